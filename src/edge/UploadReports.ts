import { Duration, Effect, Option, Ref } from "effect"
import type { UploadError } from "./Delivery.ts"
import { EdgeStatus } from "./EdgeStatus.ts"
import { makeFoldedLog } from "./FoldedLog.ts"
import { uploadFailed } from "./UploadFailed.ts"

const unexpected = uploadFailed("Transient", "Uploading failed unexpectedly")

/**
 * Says how one lane's uploads go, in the log and in the status: what passes by itself once a minute at most, what
 * needs somebody's hand once until it is over.
 */
export const makeUploadReports = Effect.gen(function* () {
  const status = yield* EdgeStatus
  const folded = yield* makeFoldedLog("1 minute")
  const held = yield* makeFoldedLog(Duration.infinity)
  const failing = yield* Ref.make(false)

  const failed = (failure: UploadError) =>
    Effect.gen(function* () {
      const kind = failure._tag === "SpoolError" ? failure._tag : failure.kind
      yield* Ref.set(failing, true)
      const { waiting } = yield* Ref.updateAndGet(status, (state) => ({
        ...state,
        uploadError: Option.some(failure.message),
      }))
      const warning = Effect.logWarning("Samples not uploaded, all are kept").pipe(
        Effect.annotateLogs({ kind, reason: failure.message, waiting }),
      )
      if (kind === "Held") yield* held.warn(failure.message, warning)
      else yield* folded.warn(kind, warning)
    })

  const succeeded = Effect.gen(function* () {
    if (!(yield* Ref.getAndSet(failing, false))) return
    yield* Ref.update(status, (state) => ({ ...state, uploadError: Option.none() }))
    if (yield* held.reset) yield* Effect.logInfo("The server takes samples again")
  })

  /** A defect is a failure like others, so that one bug does not end all uploading. */
  return <A>(upload: Effect.Effect<A, UploadError>): Effect.Effect<A, UploadError> =>
    upload.pipe(
      Effect.catchAllDefect((defect) =>
        Effect.zipRight(folded.warn("defect", Effect.logError(unexpected.message, defect)), unexpected),
      ),
      Effect.tapBoth({ onFailure: failed, onSuccess: () => succeeded }),
    )
})
