import type { HttpClient } from "@effect/platform"
import { Duration, Effect, Layer, Option, Ref } from "effect"
import type { EdgeState, Spool } from "../domain/ports/index.ts"
import { backoffAtLeast } from "./Backoff.ts"
import type { UploadError } from "./Delivery.ts"
import type { EdgeClock } from "./EdgeClock.ts"
import { EdgeStatus } from "./EdgeStatus.ts"
import type { ServerOptions } from "./IngestClient.ts"
import type { MeteredPeaks } from "./MeteredPeaks.ts"
import { makeUploadOnce } from "./UploadOnce.ts"
import { makeUploadReports } from "./UploadReports.ts"

export interface UploaderOptions {
  readonly server: ServerOptions
  /** How long to wait for new samples when all have been sent. */
  readonly interval: Duration.DurationInput
}

/** Batches of a backlog under way at once: one is made ready while the server stores the other. */
const atOnce = 2

const probeEvery = Duration.seconds(60)

const waitOf = (failure: UploadError): Duration.Duration =>
  failure._tag === "SpoolError"
    ? Duration.zero
    : Duration.max(
        failure.kind === "Held" ? probeEvery : Duration.zero,
        Option.getOrElse(failure.retryAfter, () => Duration.zero),
      )

const persist = <A>(upload: Effect.Effect<A, UploadError>): Effect.Effect<A, UploadError> =>
  Effect.retry(upload, backoffAtLeast(waitOf))

/**
 * Uploads what is spooled for as long as the layer lives, backing off from failures; nothing is lost when it ends. The
 * newest samples go first, in a lane of their own; older ones follow in a second lane, in larger batches, for as long
 * as the first one gets through.
 */
export const layer = (
  options: UploaderOptions,
): Layer.Layer<never, never, Spool | EdgeState | HttpClient.HttpClient | EdgeClock | EdgeStatus | MeteredPeaks> =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const status = yield* EdgeStatus
      const { uploadNewest, uploadOldest } = yield* makeUploadOnce(options.server)
      const backlog = yield* Effect.makeLatch(false)

      const reportLive = yield* makeUploadReports
      const live = reportLive(uploadNewest).pipe(
        Effect.tapError(() => backlog.close),
        persist,
        Effect.tap(({ more }) => (more ? backlog.open : Effect.void)),
        Effect.zipRight(Effect.sleep(options.interval)),
        Effect.forever,
        Effect.annotateLogs({ module: "uploader", lane: "live" }),
      )

      const reportBacklog = yield* makeUploadReports
      const drainOnce = backlog.await.pipe(
        Effect.zipRight(reportBacklog(uploadOldest)),
        persist,
        Effect.map(({ settled }) => settled === 0),
      )
      const drain = Effect.gen(function* () {
        yield* backlog.await
        const { waiting } = yield* Ref.get(status)
        yield* Effect.logInfo("Uploading a backlog behind the newest samples").pipe(Effect.annotateLogs({ waiting }))
        yield* Effect.replicateEffect(Effect.repeat(drainOnce, { until: (drained) => drained }), atOnce, {
          concurrency: "unbounded",
          discard: true,
        })
        yield* backlog.close
        yield* Effect.logInfo("The backlog is uploaded")
      }).pipe(Effect.forever, Effect.annotateLogs({ module: "uploader", lane: "backlog" }))

      yield* Effect.forkScoped(live)
      yield* Effect.forkScoped(drain)
    }),
  )
