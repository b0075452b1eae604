import { Clock, type DateTime, Effect, Either, Option } from "effect"
import { parseTelegram, type PastTime } from "../domain/index.ts"
import { Meter } from "../domain/ports/index.ts"

/**
 * The reading time of the meter's raw telegram, whose summer or winter flag tells the two hours of an autumn night
 * apart. Read once, when it is first asked for; none where the meter gives no telegram.
 */
export const makeFlaggedTime = Effect.fn("makeFlaggedTime")(function* (zone: DateTime.TimeZone) {
  const meter = yield* Meter
  const read = Effect.gen(function* () {
    const text = yield* Effect.option(Effect.flatten(meter.telegram))
    const ts = text.pipe(
      Option.flatMap((telegram) => Either.getRight(parseTelegram(telegram, zone))),
      Option.flatMap((telegram) => telegram.ts),
    )
    const atNs = yield* Clock.currentTimeNanos
    return Option.map(ts, (ts) => ({ ts, atNs }))
  })
  const once = yield* Effect.cached(read)
  const current: Effect.Effect<Option.Option<PastTime>> = Effect.zipWith(once, Clock.currentTimeNanos, (known, nowNs) =>
    Option.map(known, ({ atNs, ts }) => ({ ts, elapsedMs: Number(nowNs - atNs) / 1e6 })),
  )
  return { current }
})
