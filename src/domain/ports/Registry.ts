import { Context, Data, type Effect, type Option } from "effect"
import type { Device, DeviceId } from "../Device.ts"
import type { Instant } from "../Instant.ts"
import type { TokenRecord } from "../Token.ts"
import type { StoreUnavailable } from "./Store.ts"

export class DeviceExists extends Data.TaggedError("DeviceExists")<{ readonly deviceId: DeviceId }> {}

/** The device has as many working device tokens as it may have. */
export class TooManyTokens extends Data.TaggedError("TooManyTokens")<{ readonly deviceId: DeviceId }> {}

/** A token as it is listed: without what it could be recognized by. */
export interface TokenSummary extends Omit<TokenRecord, "sha256"> {
  readonly createdAt: Instant
  /** To the minute. */
  readonly lastUsedAt: Instant | null
  readonly revokedAt: Instant | null
}

/** Devices and tokens. */
export class Registry extends Context.Tag("domain/Registry")<
  Registry,
  {
    readonly addDevice: (device: Device) => Effect.Effect<void, DeviceExists | StoreUnavailable>
    readonly findDevice: (deviceId: DeviceId) => Effect.Effect<Option.Option<Device>, StoreUnavailable>
    readonly devices: Effect.Effect<ReadonlyArray<Device>, StoreUnavailable>
    readonly renameDevice: (deviceId: DeviceId, name: string) => Effect.Effect<void, StoreUnavailable>
    /** How much is stored of a device, by kind: `samples`, `quarter_hours`, … */
    readonly contents: (deviceId: DeviceId) => Effect.Effect<Readonly<Record<string, number>>, StoreUnavailable>
    /** Deletes a device with all that is stored of it, its device tokens, and read tokens that see nothing else. */
    readonly removeDevice: (deviceId: DeviceId) => Effect.Effect<void, StoreUnavailable>
    /** At most `maxDeviceTokens` of kind `device` work at a time. */
    readonly addToken: (token: TokenRecord) => Effect.Effect<void, TooManyTokens | StoreUnavailable>
    /** The token of a public id, unless it was revoked. */
    readonly findToken: (tokenId: string) => Effect.Effect<Option.Option<TokenRecord>, StoreUnavailable>
    /** All tokens, the revoked included, oldest first. */
    readonly tokens: Effect.Effect<ReadonlyArray<TokenSummary>, StoreUnavailable>
    readonly revokeToken: (tokenId: string) => Effect.Effect<void, StoreUnavailable>
    /** Notes that a token was used, unless that was noted less than a minute ago. */
    readonly noteUse: (tokenId: string, at: Instant) => Effect.Effect<void, StoreUnavailable>
  }
>() {}
