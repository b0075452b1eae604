import { DateTime, Effect, Either, Option, Ref } from "effect"
import { Spool, type SpooledSample, type SpoolError, type Verdict } from "../domain/ports/index.ts"
import { EdgeStatus } from "./EdgeStatus.ts"
import { makeSend, type ServerOptions } from "./IngestClient.ts"
import { MeteredPeaks } from "./MeteredPeaks.ts"
import { UploadFailed } from "./UploadFailed.ts"
import { cutBatch, verdictsOf } from "./Verdicts.ts"

const largestBatch = 1_000

export type UploadError = UploadFailed | SpoolError

const count = (verdicts: ReadonlyArray<Verdict>, tag: Verdict["_tag"]): number =>
  verdicts.filter(({ _tag }) => _tag === tag).length

const tooLargeAlone = ({ id }: SpooledSample, message: string): Verdict => ({
  _tag: "Quarantined",
  id,
  code: "invalid",
  message,
})

/**
 * Uploads the oldest samples that are due and does with each what the server's reply says; gives how many left the
 * spool or were put off. Whatever fails, they stay. A batch that is too large is halved, and the size that the server
 * took is kept.
 */
export const makeUploadOnce = Effect.fn("makeUploadOnce")(function* (server: ServerOptions) {
  const spool = yield* Spool
  const status = yield* EdgeStatus
  const send = yield* makeSend(server)
  const peaks = yield* MeteredPeaks
  const limit = yield* Ref.make(largestBatch)

  const settle = (verdicts: ReadonlyArray<Verdict>): Effect.Effect<number, UploadError> =>
    Effect.gen(function* () {
      yield* spool.settle(verdicts)
      const stored = count(verdicts, "Stored")
      const quarantined = count(verdicts, "Quarantined")
      yield* Ref.update(status, (state) => ({
        ...state,
        uploaded: state.uploaded + stored,
        quarantined: state.quarantined + quarantined,
        waiting: state.waiting - stored - quarantined,
      }))
      if (quarantined > 0) {
        const reasons = verdicts.flatMap((verdict) => (verdict._tag === "Quarantined" ? [verdict.message] : []))
        yield* Effect.logWarning("Samples quarantined").pipe(
          Effect.annotateLogs({ samples: quarantined, first: reasons[0] }),
        )
      }
      return verdicts.length
    }).pipe(Effect.uninterruptible)

  const halve = (rows: ReadonlyArray<SpooledSample>, failure: UploadFailed): Effect.Effect<number, UploadError> => {
    const [only, ...others] = rows
    return only !== undefined && others.length === 0
      ? settle([tooLargeAlone(only, failure.message)])
      : Effect.zipRight(Ref.set(limit, Math.ceil(rows.length / 2)), uploadOnce)
  }

  const uploadOnce: Effect.Effect<number, UploadError> = Effect.suspend(() => Effect.flatten(Effect.scoped(uploadDue)))

  /** Gives what remains to be done once the samples are no longer lent. */
  const uploadDue = Effect.gen(function* () {
    const due = yield* spool.oldest(yield* Ref.get(limit), yield* DateTime.now)
    if (due.length === 0) return Effect.succeed(0)
    const { meter, rows } = cutBatch(due)
    const meteredPeaks = yield* peaks.unsent
    const batch = { samples: rows.map(({ sample }) => sample), deviceId: null, meter, meteredPeaks }
    const outcome = yield* Effect.either(send(batch))
    if (Either.isLeft(outcome)) {
      return outcome.left.kind === "TooLarge" ? halve(rows, outcome.left) : yield* outcome.left
    }
    const verdicts = verdictsOf(rows, outcome.right, yield* DateTime.now)
    const settled = yield* Either.match(verdicts, { onLeft: disbelieve, onRight: settle })
    if (outcome.right.rejected.length < rows.length) yield* peaks.markSent(meteredPeaks)
    return Effect.succeed(settled)
  })
  return { uploadOnce }
})

const disbelieve = (why: string): Effect.Effect<never, UploadError> =>
  Effect.fail(
    new UploadFailed({
      kind: "Transient",
      message: `The server's reply does not add up (${why})`,
      retryAfter: Option.none(),
    }),
  )
