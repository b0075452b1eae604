import { Context, Data, type Effect } from "effect"
import type { Range } from "../Calendar.ts"
import type { DeviceId } from "../Device.ts"
import type { StoreUnavailable } from "./Store.ts"
import type { StoreStatus } from "./StoreStatus.ts"

/** The database cannot be made what it should be; the message says why and what to do. */
export class StoreRefused extends Data.TaggedError("StoreRefused")<{ readonly message: string }> {}

/** What an operator does to the store beside the server. */
export class StoreAdmin extends Context.Tag("domain/StoreAdmin")<
  StoreAdmin,
  {
    /** Brings the schema up to date, also that of a database that has gained TimescaleDB since; says what it is now. */
    readonly migrate: Effect.Effect<string, StoreRefused>
    readonly status: Effect.Effect<StoreStatus, StoreUnavailable>
    /** Decides the quarter-hours of a range again from the raw samples; gives how many, and how many that changed. */
    readonly recompute: (
      deviceId: DeviceId,
      range: Range,
    ) => Effect.Effect<{ readonly quarterHours: number; readonly changed: number }, StoreUnavailable>
  }
>() {}
