import { SqlClient } from "@effect/sql"
import { Effect, Schema } from "effect"
import { ourJobs } from "./Hypertable.ts"

const Jobs = Schema.Array(Schema.Struct({ job_id: Schema.Number, name: Schema.String }))

/**
 * Our jobs that have not begun for long. One that says Failed may have done its work all the same: that it begins is
 * what counts. After failures the scheduler waits up to five intervals.
 */
const overdue = `
select job_id, relation || ' ' || proc_name as name from (${ourJobs}) ours
where coalesce(last_run_started_at, '-infinity') < now() - 6 * schedule_interval`

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
