import { Context, type Effect, type Option } from "effect"
import type { DeviceId } from "../Device.ts"
import type { RealtimeState } from "../Views.ts"

/**
 * The latest state of each device, cheap to lose. A cache that is slow, full or away answers with nothing; it never
 * fails and never delays by more than 100 ms.
 */
export class RealtimeCache extends Context.Tag("domain/RealtimeCache")<
  RealtimeCache,
  {
    /** Keeps a state, unless one of a higher revision is there. */
    readonly put: (deviceId: DeviceId, revision: number, state: RealtimeState) => Effect.Effect<void>
    /** The state, when it was put no more than 2 s ago. */
    readonly get: (deviceId: DeviceId) => Effect.Effect<Option.Option<RealtimeState>>
    /** What it is, for people: `Redis 7.0` or `in memory`. */
    readonly description: string
  }
>() {}
