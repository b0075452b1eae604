import { DateTime, Duration, Effect, Either } from "effect"
import { instantsOfStamp } from "../../domain/index.ts"
import { failed, type MeterCheck, ok, warning } from "./Finding.ts"
import { measure } from "./Readings.ts"

const stampNow = Effect.map(measure, (measurement) => Either.map(measurement, ({ timestamp }) => timestamp))

interface Asking {
  /** How long it may take until there is a new telegram. */
  readonly patience: Duration.DurationInput
  readonly askEvery: Duration.DurationInput
}

/** Whether there are new telegrams: a meter without its smart meter goes on giving the last one. */
export const stampMoves = ({ askEvery, patience }: Asking): MeterCheck => ({
  name: "stamp moves",
  run: Effect.gen(function* () {
    const first = yield* stampNow
    if (Either.isLeft(first)) return first.left
    if (first.right === null) return warning("it gives no reading time: that telegrams are new cannot be seen")
    const next = yield* Effect.delay(stampNow, askEvery).pipe(
      Effect.repeat({
        times: Math.ceil(Duration.toMillis(patience) / Duration.toMillis(askEvery)),
        while: (stamp) => Either.isRight(stamp) && stamp.right === first.right,
      }),
    )
    if (Either.isLeft(next)) return next.left
    return next.right === first.right
      ? failed(`its reading time stands still at ${first.right}: check the cable between dongle and smart meter.`)
      : ok(`from ${first.right} to ${next.right}`)
  }),
})

const secondsOf = (offsetMs: number): string => `${Math.round(Math.abs(offsetMs) / 1000)} s`
const hourMs = 3_600_000

/** How far the meter's clock is from this machine's. */
export const clockOffset = (zone: DateTime.TimeZone): MeterCheck => ({
  name: "clock",
  run: Effect.gen(function* () {
    const stamp = yield* stampNow
    if (Either.isLeft(stamp)) return stamp.left
    if (stamp.right === null) return warning("it gives no reading time: this machine's clock is used")
    const nowMs = (yield* DateTime.now).epochMillis
    const offsets = instantsOfStamp(stamp.right, zone).map(({ epochMillis }) => epochMillis - nowMs)
    const [offsetMs] = offsets.sort((a, b) => Math.abs(a) - Math.abs(b))
    if (offsetMs === undefined) return failed(`its reading time ${stamp.right} is no time of its zone: set ZONE.`)
    const said = `${secondsOf(offsetMs)} ${offsetMs > 0 ? "ahead of" : "behind"} this machine's`
    if (Math.abs(offsetMs) <= 15_000) return ok(said)
    const wholeHours = Math.abs(offsetMs - Math.round(offsetMs / hourMs) * hourMs) <= 15_000
    return wholeHours
      ? warning(
          `${said}, whole hours: set ZONE to the meter's zone; if it is right, the meter does not know summer time`,
        )
      : warning(`${said}: set this machine's clock, by NTP for one; if it is right, tell the grid operator`)
  }),
})
