import { Data, Effect } from "effect"
import { type DeviceId, deviceIdFor, parseToken, type TokenKind, type ZoneName } from "../domain/index.ts"
import { Registry, Secrets, type StoreUnavailable } from "../domain/ports/index.ts"

/** A read token was asked for a device that is not there. */
export class UnknownDevice extends Data.TaggedError("UnknownDevice")<{ readonly deviceId: DeviceId }> {
  override get message(): string {
    return `There is no device ${this.deviceId}.`
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
  })

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

/** A token that reads the given devices. */
export const addReadToken = (deviceIds: ReadonlyArray<DeviceId>) =>
  Effect.gen(function* () {
    const { findDevice } = yield* Registry
    yield* Effect.forEach(deviceIds, (deviceId) =>
      Effect.flatMap(
        findDevice(deviceId),
        Effect.mapError(() => new UnknownDevice({ deviceId })),
      ),
    )
    return yield* addToken("read", deviceIds)
  })
