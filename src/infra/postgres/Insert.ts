import type { SqlClient } from "@effect/sql"
import { Effect, Schema } from "effect"
import type {
  DeviceId,
  Instant,
  MeteredPeak,
  MeterInfo,
  QuarterHour,
  ReportedPeak,
  Sample,
  SeenReading,
} from "../../domain/index.ts"
import { arraysOf, type Column, namesOf, unnest } from "./Columns.ts"
import { millisOf, type TouchedWindow, windowOf } from "./Facts.ts"
import { quarterColumns } from "./QuarterHourRows.ts"
import { meterColumns, readingColumns, sampleColumns } from "./SampleRows.ts"

const insertInto = <Row>(table: string, columns: ReadonlyArray<Column<Row>>): string =>
  `insert into ${table} (device_id, ${namesOf(columns)}) select $1, * from ${unnest(columns, 2)}`

const insertSamples = `
with inserted as (${insertInto("p1_samples", sampleColumns)} on conflict do nothing returning ts)
select ${millisOf(windowOf("ts"))} as start_ms, ${millisOf("min(ts)")} as first_ms, ${millisOf("max(ts)")} as last_ms,
       count(*) as count
from inserted group by ${windowOf("ts")}`

const Inserted = Schema.Array(
  Schema.Struct({
    start_ms: Schema.Number,
    first_ms: Schema.Number,
    last_ms: Schema.Number,
    count: Schema.Number,
  }),
)

export interface InsertedWindow extends TouchedWindow {
  readonly count: number
}

/** Inserts samples, in order of time, whose keys are new; says which quarter-hours got how many. */
export const samples = (sql: SqlClient.SqlClient, deviceId: DeviceId, rows: ReadonlyArray<Sample>) =>
  sql.unsafe(insertSamples, [deviceId, ...arraysOf(sampleColumns, rows)]).pipe(
    Effect.map(Schema.decodeUnknownSync(Inserted)),
    Effect.map((windows) =>
      windows.map(({ start_ms, first_ms, last_ms, count }): InsertedWindow => ({
        startMs: start_ms,
        firstMs: first_ms,
        lastMs: last_ms,
        count,
      })),
    ),
  )

const compared = sampleColumns.filter(({ field }) => field !== "receivedAt")

const selectConflicts = `
select sent.row from ${unnest(sampleColumns, 2)} with ordinality as sent (${namesOf(sampleColumns)}, row)
join p1_samples stored on stored.device_id = $1 and stored.ts = sent.ts
where row(${namesOf(compared, "sent.")}) is distinct from row(${namesOf(compared, "stored.")})`

const Conflicts = Schema.Array(Schema.Struct({ row: Schema.Number }))

/** The places, from 0, of the samples whose values, receivedAt aside, are not those stored. */
export const conflicts = (sql: SqlClient.SqlClient, deviceId: DeviceId, rows: ReadonlyArray<Sample>) =>
  sql.unsafe(selectConflicts, [deviceId, ...arraysOf(sampleColumns, rows)]).pipe(
    Effect.map(Schema.decodeUnknownSync(Conflicts)),
    Effect.map((found) => new Set(found.map(({ row }) => row - 1))),
  )

const insertReadings = `${insertInto("p1_external_readings", readingColumns)}
on conflict (device_id, kind, id, ts) do update set sample_ts = excluded.sample_ts
where excluded.sample_ts < p1_external_readings.sample_ts returning 1`

/** Stores readings of sub-meters, each key once among them; says whether that changed anything. */
export const readings = (sql: SqlClient.SqlClient, deviceId: DeviceId, rows: ReadonlyArray<SeenReading>) =>
  Effect.map(sql.unsafe(insertReadings, [deviceId, ...arraysOf(readingColumns, rows)]), (changed) => changed.length > 0)

const insertMeter = `${insertInto("p1_meter_changes", meterColumns)} on conflict do nothing returning 1`

export const meter = (sql: SqlClient.SqlClient, deviceId: DeviceId, info: MeterInfo) =>
  Effect.map(sql.unsafe(insertMeter, [deviceId, ...arraysOf(meterColumns, [info])]), (changed) => changed.length > 0)

const peakColumns: ReadonlyArray<Column<ReportedPeak>> = [
  { name: "month", kind: "text", get: ({ month }) => month },
  { name: "peak_w", kind: "double precision", get: ({ peakW }) => peakW },
  { name: "peak_ts", kind: "instant", get: ({ peakTs }) => peakTs },
  { name: "reported_at", kind: "millis", get: ({ reportedAtMs }) => reportedAtMs },
]

const upsertPeaks = `
with before as (select * from p1_metered_peaks where device_id = $1),
written as (
  ${insertInto("p1_metered_peaks", peakColumns)}
  on conflict (device_id, month) do update
    set peak_w = excluded.peak_w, peak_ts = excluded.peak_ts, reported_at = excluded.reported_at
    where (excluded.reported_at, excluded.peak_w) > (p1_metered_peaks.reported_at, p1_metered_peaks.peak_w)
  returning month, peak_w, peak_ts
)
select 1 from written left join before using (month)
where row(written.peak_w, written.peak_ts) is distinct from row(before.peak_w, before.peak_ts)`

/** Keeps the newest report of each month, each month once among them; says whether a peak changed. */
export const peaks = (sql: SqlClient.SqlClient, deviceId: DeviceId, rows: ReadonlyArray<ReportedPeak>) =>
  Effect.map(sql.unsafe(upsertPeaks, [deviceId, ...arraysOf(peakColumns, rows)]), (changed) => changed.length > 0)

const upsertQuarterHours = `${insertInto("p1_quarter_hours", quarterColumns)}
on conflict (device_id, start) do update set (${namesOf(quarterColumns)}) = (${namesOf(quarterColumns, "excluded.")})`

export const quarterHours = (sql: SqlClient.SqlClient, deviceId: DeviceId, rows: ReadonlyArray<QuarterHour>) =>
  sql.unsafe(upsertQuarterHours, [deviceId, ...arraysOf(quarterColumns, rows)])

/** Peaks of the meter's history, as reported when the batch was received. */
export const reportedWith = (peaks: ReadonlyArray<MeteredPeak>, receivedAt: Instant): ReadonlyArray<ReportedPeak> =>
  peaks.map((peak) => ({ ...peak, reportedAtMs: receivedAt.epochMillis }))
