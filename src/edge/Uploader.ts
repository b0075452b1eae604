import type { HttpClient } from "@effect/platform"
import { Duration, Effect, Layer, Option, Ref } from "effect"
import type { Spool } from "../domain/ports/index.ts"
import { backoffAtLeast } from "./Backoff.ts"
import type { EdgeClock } from "./EdgeClock.ts"
import { EdgeStatus } from "./EdgeStatus.ts"
import { makeFoldedLog } from "./FoldedLog.ts"
import type { MeteredPeaks } from "./MeteredPeaks.ts"
import type { ServerOptions } from "./IngestClient.ts"
import { UploadFailed } from "./UploadFailed.ts"
import { makeUploadOnce, type UploadError } from "./UploadOnce.ts"

export interface UploaderOptions {
  readonly server: ServerOptions
  /** How long to wait for new samples when all have been sent. */
  readonly interval: Duration.DurationInput
}

const probeEvery = Duration.seconds(60)

const waitOf = (failure: UploadError): Duration.Duration =>
  failure._tag === "SpoolError"
    ? Duration.zero
    : Duration.max(
        failure.kind === "Held" ? probeEvery : Duration.zero,
        Option.getOrElse(failure.retryAfter, () => Duration.zero),
      )

const unexpected = new UploadFailed({
  kind: "Transient",
  message: "Uploading failed unexpectedly",
  retryAfter: Option.none(),
})

/** Uploads what is spooled for as long as the layer lives, backing off from failures; nothing is lost when it ends. */
export const layer = (
  options: UploaderOptions,
): Layer.Layer<never, never, Spool | HttpClient.HttpClient | EdgeClock | EdgeStatus | MeteredPeaks> =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const status = yield* EdgeStatus
      const { uploadOnce } = yield* makeUploadOnce(options.server)
      const folded = yield* makeFoldedLog("1 minute")
      const held = yield* makeFoldedLog(Duration.infinity)

      const failed = (failure: UploadError) =>
        Effect.gen(function* () {
          const kind = failure._tag === "SpoolError" ? failure._tag : failure.kind
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
      const uploaded = Effect.gen(function* () {
        yield* Ref.update(status, (state) => ({ ...state, uploadError: Option.none() }))
        if (yield* held.reset) yield* Effect.logInfo("The server takes samples again")
      })

      yield* uploadOnce.pipe(
        Effect.catchAllDefect((defect) =>
          Effect.zipRight(folded.warn("defect", Effect.logError(unexpected.message, defect)), unexpected),
        ),
        Effect.tapError(failed),
        Effect.retry(backoffAtLeast(waitOf)),
        Effect.flatMap((sent) => (sent === 0 ? Effect.sleep(options.interval) : uploaded)),
        Effect.forever,
        Effect.annotateLogs("module", "uploader"),
        Effect.forkScoped,
      )
    }),
  )
