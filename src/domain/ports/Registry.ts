import { Context, Data, type Effect, type Option } from "effect"
import type { Device, DeviceId } from "../Device.ts"
import type { TokenRecord } from "../Token.ts"
import type { StoreUnavailable } from "./Store.ts"

export class DeviceExists extends Data.TaggedError("DeviceExists")<{ readonly deviceId: DeviceId }> {}

/** Devices and tokens. */
export class Registry extends Context.Tag("domain/Registry")<
  Registry,
  {
    readonly addDevice: (device: Device) => Effect.Effect<void, DeviceExists | StoreUnavailable>
    readonly findDevice: (deviceId: DeviceId) => Effect.Effect<Option.Option<Device>, StoreUnavailable>
    readonly devices: Effect.Effect<ReadonlyArray<Device>, StoreUnavailable>
    readonly addToken: (token: TokenRecord) => Effect.Effect<void, StoreUnavailable>
    /** The token of a public id, unless it was revoked. */
    readonly findToken: (tokenId: string) => Effect.Effect<Option.Option<TokenRecord>, StoreUnavailable>
  }
>() {}
