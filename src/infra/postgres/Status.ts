import { SqlClient } from "@effect/sql"
import { Effect, Schema } from "effect"
import { fromEpochMillis } from "../../domain/index.ts"
import type { StoreStatus } from "../../domain/ports/index.ts"
import { millisOf } from "./Facts.ts"
import { keptUntil, ourJobs } from "./Hypertable.ts"
import { describe, probe } from "./Timescale.ts"

const Millis = Schema.NullOr(Schema.Number)
const General = Schema.Tuple(
  Schema.Struct({
    now_ms: Schema.Number,
    database_bytes: Schema.Number,
    devices: Schema.Number,
    sample_rows: Schema.Number,
    sample_bytes: Schema.Number,
    quarter_rows: Schema.Number,
    quarter_bytes: Schema.Number,
    horizon_ms: Millis,
    late_ranges: Schema.Number,
  }),
)

const rowsOf = (table: string): string =>
  `greatest((select reltuples from pg_class where oid = '${table}'::regclass), 0)::bigint`

const selectGeneral = (used: boolean): string => `
select ${millisOf("now()")} as now_ms, pg_database_size(current_database()) as database_bytes,
  (select count(*) from p1_devices) as devices,
  ${used ? "approximate_row_count('p1_samples')" : rowsOf("p1_samples")} as sample_rows,
  ${used ? "hypertable_size('p1_samples')" : "pg_total_relation_size('p1_samples')"} as sample_bytes,
  ${rowsOf("p1_quarter_hours")} as quarter_rows,
  pg_total_relation_size('p1_quarter_hours') as quarter_bytes,
  (select case when isfinite(ts) then ${millisOf("ts")} end from p1_horizon) as horizon_ms,
  (select count(*) from p1_late_ranges) as late_ranges`

const Chunks = Schema.Tuple(
  Schema.Struct({
    chunks: Schema.Number,
    compressed: Schema.Number,
    bytes_before: Schema.Number,
    bytes_after: Schema.Number,
    kept_until_ms: Millis,
  }),
)

const selectChunks = `
select (select count(*) from show_chunks('p1_samples')) as chunks,
  coalesce(number_compressed_chunks, 0) as compressed,
  coalesce(before_compression_total_bytes, 0)::bigint as bytes_before,
  coalesce(after_compression_total_bytes, 0)::bigint as bytes_after,
  (select ${millisOf("until")} from (${keptUntil}) kept) as kept_until_ms
from (select) one left join hypertable_columnstore_stats('p1_samples') on true`

const Jobs = Schema.Array(
  Schema.Struct({ name: Schema.String, began_ms: Millis, status: Schema.NullOr(Schema.String) }),
)

const selectJobs = `
select proc_name || ' ' || relation as name, last_run_status as status,
  case when isfinite(last_run_started_at) then ${millisOf("last_run_started_at")} end as began_ms
from (${ourJobs}) ours order by 1`

const instant = (ms: number | null) => (ms === null ? null : fromEpochMillis(ms))

const ofTimescale = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [chunks] = yield* Effect.orDie(Schema.decodeUnknown(Chunks)(yield* sql.unsafe(selectChunks)))
  const jobs = yield* Effect.orDie(Schema.decodeUnknown(Jobs)(yield* sql.unsafe(selectJobs)))
  return {
    chunks: {
      all: chunks.chunks,
      compressed: chunks.compressed,
      bytesBefore: chunks.bytes_before,
      bytesAfter: chunks.bytes_after,
    },
    curvesKeptUntil: instant(chunks.kept_until_ms),
    jobs: jobs.map(({ began_ms, name, status }) => ({ name, lastBegan: instant(began_ms), lastStatus: status })),
  }
})

/** What the database holds and how it is. */
export const status = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const { used } = yield* probe
  const [found] = yield* Effect.orDie(Schema.decodeUnknown(General)(yield* sql.unsafe(selectGeneral(used))))
  const { chunks, curvesKeptUntil, jobs } = used
    ? yield* ofTimescale
    : { chunks: null, curvesKeptUntil: null, jobs: [] }
  return {
    description: yield* describe,
    clock: fromEpochMillis(found.now_ms),
    databaseBytes: found.database_bytes,
    devices: found.devices,
    samples: { estimatedRows: found.sample_rows, bytes: found.sample_bytes, chunks },
    quarterHours: { estimatedRows: found.quarter_rows, bytes: found.quarter_bytes },
    horizon: instant(found.horizon_ms),
    curvesKeptUntil,
    lateRanges: found.late_ranges,
    jobs,
  } satisfies StoreStatus
})
