import { type DateTime, Effect, Either, Layer, Option, Schedule } from "effect"
import { parseTelegram } from "../domain/index.ts"
import { Meter } from "../domain/ports/index.ts"
import { MeteredPeaks } from "./MeteredPeaks.ts"

/** Often enough for a month that closes, and rare enough for a small device. */
const readEvery = Schedule.spaced("1 hour")
const retryAfter = Schedule.spaced("1 minute")

/**
 * Reads the meter's telegram at the start and every hour, for what its JSON leaves out: the peaks of the 13 months
 * that a Belgian meter remembers. A meter without any, or without a telegram, is asked again an hour later.
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
      yield* readOnce.pipe(Effect.repeat(readEvery), Effect.annotateLogs("module", "telegram"), Effect.forkScoped)
    }),
  )
