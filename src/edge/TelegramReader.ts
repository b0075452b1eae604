import { DateTime, Duration, Effect, Either, Layer, Option, Schedule } from "effect"
import { monthOf, parseTelegram, rangeOfMonth } from "../domain/index.ts"
import { Meter } from "../domain/ports/index.ts"
import { MeteredPeaks } from "./MeteredPeaks.ts"

/** Rare enough for a small device. */
const readEvery = Duration.hours(1)
/** A month is closed a moment after its end. */
const afterMonthsEnd = Duration.minutes(1)
const retryAfter = Schedule.spaced("1 minute")

/** How long until the next reading: an hour, or less where a month ends before that. */
const untilNext = (zone: DateTime.TimeZone): Effect.Effect<Duration.Duration> =>
  Effect.map(DateTime.now, ({ epochMillis }) => {
    const { toMs } = rangeOfMonth(monthOf(epochMillis, zone), zone)
    const closed = Duration.sum(Duration.millis(toMs - epochMillis), afterMonthsEnd)
    return Duration.min(readEvery, closed)
  })

/**
 * Reads the meter's telegram at the start, every hour and when a month has ended, for what its JSON leaves out: the
 * peaks of the 13 months that a Belgian meter remembers. A meter without any, or without a telegram, is asked again an
 * hour later.
 */
export const layer = (options: { readonly zone: DateTime.TimeZone }): Layer.Layer<never, never, Meter | MeteredPeaks> =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const meter = yield* Meter
      const peaks = yield* MeteredPeaks
      const readOnce = Effect.gen(function* () {
        const text = yield* Effect.retry(meter.telegram, retryAfter)
        if (Option.isNone(text)) return
        const telegram = parseTelegram(text.value, options.zone)
        if (Either.isRight(telegram)) return yield* peaks.read(telegram.right.meteredPeaks)
        yield* Effect.logWarning("The telegram is left aside").pipe(Effect.annotateLogs({ reason: telegram.left }))
      })
      yield* readOnce.pipe(
        Effect.zipRight(Effect.flatMap(untilNext(options.zone), Effect.sleep)),
        Effect.forever,
        Effect.annotateLogs("module", "telegram"),
        Effect.forkScoped,
      )
    }),
  )
