import { SqlClient } from "@effect/sql"
import { Effect, Schema } from "effect"

const Jobs = Schema.Array(Schema.Struct({ job_id: Schema.Number, name: Schema.String }))

/**
 * Our jobs that have not begun for long. One that says Failed may have done its work all the same: that it begins is
 * what counts. After failures the scheduler waits up to five intervals.
 */
const overdue = `
select j.job_id, coalesce(c.view_name, j.hypertable_name) || ' ' || j.proc_name as name
from timescaledb_information.jobs j
left join timescaledb_information.job_stats s using (job_id)
left join timescaledb_information.continuous_aggregates c on c.materialization_hypertable_name = j.hypertable_name
where coalesce(c.view_name, j.hypertable_name) in ('p1_samples', 'p1_power_minutes', 'p1_power_hours')
  and coalesce(s.last_run_started_at, '-infinity') < now() - 6 * j.schedule_interval`

/** Runs the jobs that the server's scheduler leaves undone; one that fails stops no other. */
export const runOverdue = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const jobs = yield* Effect.orDie(Schema.decodeUnknown(Jobs)(yield* sql.unsafe(overdue)))
  yield* Effect.validateAll(
    jobs,
    ({ job_id, name }) =>
      Effect.zipRight(
        Effect.logWarning(
          "A background job of TimescaleDB has not run for long, this program runs it: see timescaledb.max_background_workers",
        ).pipe(Effect.annotateLogs({ job: name })),
        sql.unsafe(`call run_job(${job_id})`),
      ),
    { discard: true },
  ).pipe(Effect.mapError(([first]) => first))
})
