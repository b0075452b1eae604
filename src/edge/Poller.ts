import { type DateTime, Duration, Effect, Layer, Option, Ref } from "effect"
import type { Meter, Spool, SpoolError } from "../domain/ports/index.ts"
import { atEvery } from "./Cadence.ts"
import type { EdgeClock } from "./EdgeClock.ts"
import { EdgeStatus } from "./EdgeStatus.ts"
import { makeFoldedLog } from "./FoldedLog.ts"
import type { NotTaken } from "./NotTaken.ts"
import { makeTakeSample } from "./TakeSample.ts"

export interface PollerOptions {
  readonly zone: DateTime.TimeZone
  readonly interval: Duration.DurationInput
}

const kindOf = (error: NotTaken): string => (error._tag === "MeterError" ? error.reason : error._tag)

/** Takes samples at a steady pace for as long as the layer lives; whatever goes wrong ends one step, never the loop. */
export const layer = (options: PollerOptions): Layer.Layer<never, SpoolError, Meter | Spool | EdgeClock | EdgeStatus> =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const status = yield* EdgeStatus
      const { takeSample } = yield* makeTakeSample(options)
      const folded = yield* makeFoldedLog("1 minute")
      const once = yield* makeFoldedLog(Duration.infinity)

      const notTaken = (error: NotTaken) => {
        const kind = kindOf(error)
        const log = error._tag === "MeterStale" ? once : folded
        const warning = Effect.logWarning("Sample not taken").pipe(Effect.annotateLogs({ kind, reason: error.message }))
        return Effect.zipRight(
          Ref.update(status, (state) => ({ ...state, meterError: Option.some(error.message) })),
          log.warn(kind, warning),
        )
      }
      const taken = Effect.gen(function* () {
        yield* Ref.update(status, (state) => ({ ...state, meterError: Option.none() }))
        if (yield* once.reset) yield* Effect.logInfo("The meter gives new telegrams again")
      })

      yield* takeSample.pipe(
        Effect.flatMap(Option.match({ onNone: () => Effect.void, onSome: () => taken })),
        Effect.catchAll(notTaken),
        Effect.catchAllDefect((defect) =>
          folded.warn("defect", Effect.logError("Polling failed unexpectedly", defect)),
        ),
        atEvery(Duration.decode(options.interval)),
        Effect.annotateLogs("module", "poller"),
        Effect.forkScoped,
      )
    }),
  )
