import { Duration, Effect, Option, Ref } from "effect"
import type { Sample } from "../domain/index.ts"
import { EdgeStatus } from "./EdgeStatus.ts"
import { makeFoldedLog } from "./FoldedLog.ts"
import type { NotTaken } from "./NotTaken.ts"

const kindOf = (error: NotTaken): string => (error._tag === "MeterError" ? error.reason : error._tag)

/** Readings that say nothing usable, unlike a meter that says nothing. */
const isBadReading = (error: NotTaken): boolean =>
  error._tag === "MeasurementUnusable" || (error._tag === "MeterError" && error.reason === "Malformed")

/**
 * Says in the log and in the status what became of each reading. What repeats is said once a minute with its number; a
 * meter that gives no new telegram is said once, and again when it does.
 */
export const makeReports = Effect.gen(function* () {
  const status = yield* EdgeStatus
  const folded = yield* makeFoldedLog("1 minute")
  const once = yield* makeFoldedLog(Duration.infinity)
  return {
    notTaken: (error: NotTaken) => {
      const kind = kindOf(error)
      const log = error._tag === "MeterStale" ? once : folded
      const warning = Effect.logWarning("Sample not taken").pipe(Effect.annotateLogs({ kind, reason: error.message }))
      return Effect.zipRight(
        Ref.update(status, (state) => ({
          ...state,
          badReadings: state.badReadings + (isBadReading(error) ? 1 : 0),
          meterError: Option.some(error.message),
        })),
        log.warn(kind, warning),
      )
    },
    taken: (sample: Option.Option<Sample>) =>
      Effect.gen(function* () {
        if (Option.isNone(sample)) return
        yield* Ref.update(status, (state) => ({ ...state, meterError: Option.none() }))
        if (yield* once.reset) yield* Effect.logInfo("The meter gives new telegrams again")
      }),
    defect: (defect: unknown) => folded.warn("defect", Effect.logError("Taking a sample failed unexpectedly", defect)),
  }
})
