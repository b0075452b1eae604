import { Array as Arr, Data, Effect, Option } from "effect"
import {
  type Device,
  type DeviceId,
  deviceIdFor,
  maxDeviceTokens,
  parseToken,
  type TokenKind,
  type ZoneName,
} from "../domain/index.ts"
import { Registry, Secrets, type StoreUnavailable, type TokenSummary } from "../domain/ports/index.ts"

/** A device was named that is not there. */
export class UnknownDevice extends Data.TaggedError("UnknownDevice")<{ readonly deviceId: DeviceId }> {
  override get message(): string {
    return `There is no device ${this.deviceId}.`
  }
}

/** A token was named that is not there, or no longer works. */
export class UnknownToken extends Data.TaggedError("UnknownToken")<{ readonly tokenId: string }> {
  override get message(): string {
    return `There is no working token ${this.tokenId}: \`p1-api tokens list\` shows what there is.`
  }
}

/** The device has both its tokens already. */
export class NoRoomForToken extends Data.TaggedError("NoRoomForToken")<{ readonly deviceId: DeviceId }> {
  override get message(): string {
    return `Device ${this.deviceId} has ${maxDeviceTokens} working tokens already: revoke one of them first.`
  }
}

const idLength = 64
const numbered = (stem: DeviceId, n: number): DeviceId => {
  if (n === 1) return stem
  const suffix = `-${n}`
  return stem.slice(0, idLength - suffix.length) + suffix
}

const addToken = (kind: TokenKind, deviceIds: ReadonlyArray<DeviceId>) =>
  Effect.gen(function* () {
    const registry = yield* Registry
    const secrets = yield* Secrets
    const token = yield* secrets.mint(kind)
    const { tokenId } = yield* Effect.orDie(parseToken(token))
    yield* registry.addToken({ tokenId, kind, sha256: yield* secrets.sha256(token), deviceIds })
    return token
  }).pipe(Effect.catchTag("TooManyTokens", ({ deviceId }) => new NoRoomForToken({ deviceId })))

/** Registers a device under the first id of its name that is free: `home`, `home-2`, … */
const register = (name: string, zone: ZoneName, n: number): Effect.Effect<DeviceId, StoreUnavailable, Registry> =>
  Effect.gen(function* () {
    const registry = yield* Registry
    const deviceId = numbered(deviceIdFor(name), n)
    return yield* Effect.as(registry.addDevice({ deviceId, name, zone }), deviceId)
  }).pipe(Effect.catchTag("DeviceExists", () => register(name, zone, n + 1)))

/** A new device and the token that writes its samples; the token is nowhere kept and cannot be shown again. */
export const addDevice = (name: string, zone: ZoneName) =>
  Effect.gen(function* () {
    const deviceId = yield* register(name, zone, 1)
    return { deviceId, token: yield* addToken("device", [deviceId]) }
  })

/** A device that is there. */
export const findDevice = (deviceId: DeviceId): Effect.Effect<Device, UnknownDevice | StoreUnavailable, Registry> =>
  Effect.gen(function* () {
    const registry = yield* Registry
    return yield* Effect.flatMap(
      registry.findDevice(deviceId),
      Effect.mapError(() => new UnknownDevice({ deviceId })),
    )
  })

/** Gives a device another name for people; its id stays. */
export const renameDevice = (deviceId: DeviceId, name: string) =>
  Effect.gen(function* () {
    const registry = yield* Registry
    yield* findDevice(deviceId)
    yield* registry.renameDevice(deviceId, name)
  })

/** A token that reads the given devices. */
export const addReadToken = (deviceIds: ReadonlyArray<DeviceId>) =>
  Effect.zipRight(Effect.forEach(deviceIds, findDevice, { discard: true }), addToken("read", Arr.dedupe(deviceIds)))

const isWorking = ({ revokedAt }: TokenSummary): boolean => revokedAt === null

/** A token that works, by its public id. */
const findToken = (tokenId: string) =>
  Effect.gen(function* () {
    const registry = yield* Registry
    const found = Arr.findFirst(yield* registry.tokens, (token) => token.tokenId === tokenId && isWorking(token))
    return yield* Option.match(found, { onNone: () => new UnknownToken({ tokenId }), onSome: Effect.succeed })
  })

/** A new token for the same as another, which works on until it is revoked. */
export const rotateToken = (tokenId: string) =>
  Effect.flatMap(findToken(tokenId), ({ deviceIds, kind }) =>
    Effect.map(addToken(kind, deviceIds), (token) => ({ deviceIds, kind, token })),
  )

/** Ends a token: within 5 s no server process takes it any more. */
export const revokeToken = (tokenId: string) =>
  Effect.gen(function* () {
    const registry = yield* Registry
    yield* findToken(tokenId)
    yield* registry.revokeToken(tokenId)
  })
