import { Clock, Duration, Effect, Option, Ref } from "effect"
import { Meter } from "../domain/ports/index.ts"

const readEvery = Duration.hours(1)
const retryEvery = Duration.minutes(1)

/**
 * The meter's firmware version, asked for once an hour. While the meter does not say, it is what it said before, so
 * that a device that answers only measurements is no change of firmware.
 */
export const makeFirmwareVersion = Effect.fn("makeFirmwareVersion")(function* (before: string | null) {
  const meter = yield* Meter
  const known = yield* Ref.make({ version: before, dueNs: yield* Clock.currentTimeNanos })
  const current = Effect.gen(function* () {
    const { dueNs, version } = yield* Ref.get(known)
    const nowNs = yield* Clock.currentTimeNanos
    if (nowNs < dueNs) return version
    const said = Option.map(yield* Effect.option(meter.device), ({ firmwareVersion }) => firmwareVersion)
    const wait = Option.isSome(said) ? readEvery : retryEvery
    const next = { version: Option.getOrElse(said, () => version), dueNs: nowNs + Duration.unsafeToNanos(wait) }
    yield* Ref.set(known, next)
    return next.version
  })
  return { current }
})
