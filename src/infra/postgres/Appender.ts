import type { SqlClient } from "@effect/sql"
import { Cause, Deferred, Effect, Option } from "effect"
import type { StoreUnavailable } from "../../domain/ports/index.ts"
import { orUnavailable } from "./Failure.ts"
import { append, type AppendJob } from "./IngestStatements.ts"

/** Batches above this number of samples get a statement of their own. */
const smallBatch = 100
/** Statements of several devices at once; more of them would only make each carry less. */
const grouped = 2
const devicesPerGroup = 100

interface Waiting {
  readonly job: AppendJob
  readonly done: Deferred.Deferred<Option.Option<number>, StoreUnavailable>
}

/**
 * Stores samples that are newer than all others of their device; gives the device's new revision, or nothing where the
 * device was not as expected. Small batches of different devices that come at once share a statement and its commit,
 * and each waits for that commit. A device has one job under way at a time.
 */
export interface Appender {
  readonly append: (job: AppendJob) => Effect.Effect<Option.Option<number>, StoreUnavailable>
}

export const makeAppender = (sql: SqlClient.SqlClient): Appender => {
  const waiting: Array<Waiting> = []
  let running = 0

  const store = (jobs: ReadonlyArray<AppendJob>) => orUnavailable(append(sql, jobs))
  const alone = ({ done, job }: Waiting) =>
    store([job]).pipe(
      Effect.map((revisions) => Option.fromNullable(revisions.get(job.deviceId))),
      (stored) => Deferred.complete(done, stored),
    )

  /** A group that fails by what one of it carries must not take the others along. */
  const together = (group: ReadonlyArray<Waiting>) =>
    Effect.matchCauseEffect(store(group.map(({ job }) => job)), {
      onSuccess: (revisions) =>
        Effect.forEach(
          group,
          ({ done, job }) => Deferred.succeed(done, Option.fromNullable(revisions.get(job.deviceId))),
          { discard: true },
        ),
      onFailure: (cause) =>
        Option.isSome(Cause.failureOption(cause)) || group.length === 1
          ? Effect.forEach(group, ({ done }) => Deferred.failCause(done, cause), { discard: true })
          : Effect.forEach(group, alone, { discard: true }),
    })

  const drain: Effect.Effect<void> = Effect.suspend(() => {
    const group = waiting.splice(0, devicesPerGroup)
    if (group.length === 0) {
      running -= 1
      return Effect.void
    }
    return Effect.zipRight(together(group), drain)
  })

  const join = (job: AppendJob) =>
    Effect.gen(function* () {
      const done = yield* Deferred.make<Option.Option<number>, StoreUnavailable>()
      waiting.push({ job, done })
      if (running < grouped) {
        running += 1
        yield* Effect.forkDaemon(drain)
      }
      return yield* Deferred.await(done)
    })

  return {
    append: (job) =>
      job.samples.length > smallBatch
        ? Effect.map(store([job]), (revisions) => Option.fromNullable(revisions.get(job.deviceId)))
        : join(job),
  }
}
