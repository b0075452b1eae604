import type { SqlError } from "@effect/sql"
import { type Duration, Effect, Layer, Metric, Schedule } from "effect"
import type { StartupError } from "../process/index.ts"
import * as Client from "./Client.ts"
import { checkDrift } from "./Drift.ts"
import { orUnavailable } from "./Failure.ts"
import { whileAlone } from "./Leader.ts"
import { runOverdue } from "./Jobs.ts"
import { catchUp, refreshLate } from "./Refresh.ts"
import { dropBefore, horizonFor } from "./Retention.ts"
import { probe } from "./Timescale.ts"

export interface Options extends Client.Options {
  /** How long raw samples are kept; for ever unless given. What is derived of them stays. */
  readonly retention?: Duration.Duration | undefined
  /** How often the power curves of late samples are made anew. */
  readonly refreshEvery?: Duration.DurationInput | undefined
  /** How often everything else is looked at: what is too old, whether jobs run, whether figures are what they must be. */
  readonly checkEvery?: Duration.DurationInput | undefined
}

const statementTimeout = "30 minutes"
const failures = Metric.counter("p1_store_maintenance_failures", { incremental: true })

/** A task that fails is told of and tried again when it is due next; it stops no other. */
const attempt = <R>(task: string, effect: Effect.Effect<void, SqlError.SqlError, R>) =>
  orUnavailable(effect).pipe(
    Effect.catchAllCause((cause) =>
      Effect.zipRight(
        Metric.increment(failures),
        Effect.logWarning("A task of the database's maintenance failed", cause).pipe(Effect.annotateLogs({ task })),
      ),
    ),
  )

const ifTimescale = <E, R>(task: Effect.Effect<void, E, R>) =>
  Effect.flatMap(probe, ({ used }) => (used ? task : Effect.void))

const retain = (retention: Duration.Duration | undefined) =>
  retention === undefined
    ? Effect.void
    : Effect.flatMap(horizonFor(retention), (horizon) => Effect.asVoid(dropBefore(horizon)))

/** All tasks, for as long as they are not interrupted. */
const tasks = (options: Options) => {
  const often = attempt("catching up of the power curves", ifTimescale(catchUp)).pipe(
    Effect.zipRight(attempt("refresh of late samples", ifTimescale(refreshLate))),
    Effect.repeat(Schedule.spaced(options.refreshEvery ?? "15 seconds")),
  )
  const seldom = attempt("retention", retain(options.retention)).pipe(
    Effect.zipRight(attempt("jobs of TimescaleDB", ifTimescale(runOverdue))),
    Effect.zipRight(attempt("drift check", Effect.asVoid(checkDrift))),
    Effect.repeat(Schedule.spaced(options.checkEvery ?? "15 minutes")),
  )
  return Effect.all([often, seldom], { concurrency: 2, discard: true })
}

/** Keeps the database in order while the scope lasts; of several processes on one database, one at a time does. */
export const layer = (options: Options): Layer.Layer<never, StartupError> =>
  Layer.scopedDiscard(Effect.forkScoped(whileAlone(tasks(options)))).pipe(
    Layer.provide(Client.layer({ ...options, maxConnections: 3, statementTimeout })),
  )
