import { Effect, type Option } from "effect"
import { BadRequest, CurrentReader, Forbidden, NotFound } from "../domain/api/index.ts"
import { type Device, type DeviceId, zoneNamed } from "../domain/index.ts"
import { Lookups } from "./Lookups.ts"
import { orUnavailable } from "./Problems.ts"

const chosen = (deviceIds: ReadonlyArray<DeviceId>, requested: DeviceId | undefined) => {
  if (requested !== undefined) {
    return deviceIds.includes(requested)
      ? Effect.succeed(requested)
      : new Forbidden({ detail: "This token does not see that device." })
  }
  const [only, ...others] = deviceIds
  return only !== undefined && others.length === 0
    ? Effect.succeed(only)
    : new BadRequest({
        detail: "This token sees more than one device.",
        errors: [{ path: "device_id", message: "say which device" }],
      })
}

/** The device a reader asks for: the one named, or the only one the token sees. */
export const requestedDevice = (requested: DeviceId | undefined) =>
  Effect.gen(function* () {
    const { deviceIds } = yield* CurrentReader
    const lookups = yield* Lookups
    const deviceId = yield* chosen(deviceIds, requested)
    return yield* Effect.flatMap(
      orUnavailable(lookups.device(deviceId)),
      Effect.mapError(() => new NotFound({ detail: "This device is no longer there." })),
    )
  })

/** The zone of a registered device; the registry holds no other names than those that exist. */
export const zoneOf = (device: Device) => Effect.orDie(zoneNamed(device.zone))

export const noSamplesYet = new NotFound({ detail: "This device has not sent a sample yet." })

/** What is there, or the sentence that says it is not. */
export const orNotFound =
  (problem: NotFound) =>
  <A, E, R>(self: Effect.Effect<Option.Option<A>, E, R>): Effect.Effect<A, E | NotFound, R> =>
    Effect.flatMap(
      self,
      Effect.mapError(() => problem),
    )
