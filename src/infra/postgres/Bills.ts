import type { SqlClient, SqlError } from "@effect/sql"
import { Array as Arr, Clock, Effect, Option, Schema } from "effect"
import {
  Country,
  defaultPlace,
  type DeviceId,
  fromEpochMillis,
  GridZone,
  type ImportedQuarter,
  type ImportPlan,
  ImportSource,
  type ManualPeak,
  type Month,
  type Place,
  planImport,
  quarterHourMs,
  type Range,
  type ReportedPeak,
} from "../../domain/index.ts"
import { arraysOf, type Column, isoOf, namesOf, unnest } from "./Columns.ts"
import { millisOf } from "./Facts.ts"
import { lock, raiseRevision } from "./Lock.ts"

const Places = Schema.Array(Schema.Struct({ country: Country, grid_zone: Schema.NullOr(GridZone) }))

export const place = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  sql`select country, grid_zone from p1_devices where device_id = ${deviceId}`.pipe(
    Effect.map(Schema.decodeUnknownSync(Places)),
    Effect.map(([row]): Place => (row ? { country: row.country, gridZone: row.grid_zone } : defaultPlace)),
  )

export const setPlace = (sql: SqlClient.SqlClient, deviceId: DeviceId, { country, gridZone }: Place) =>
  Effect.asVoid(
    sql`update p1_devices set country = ${country}, grid_zone = ${gridZone}, revision = revision + 1
        where device_id = ${deviceId}`,
  )

export const Reported = Schema.Array(
  Schema.Struct({
    month: Schema.String,
    peak_w: Schema.Number,
    peak_ms: Schema.NullOr(Schema.Number),
    reported_ms: Schema.Number,
  }),
)

/** What {@link Reported} is read from. */
export const reportedColumns = `month, peak_w, ${millisOf("peak_ts")} as peak_ms, ${millisOf("reported_at")} as reported_ms`

export const reportsOf = (rows: typeof Reported.Type): ReadonlyArray<ReportedPeak> =>
  rows.map(({ month, peak_ms, peak_w, reported_ms }) => ({
    month,
    peakW: peak_w,
    peakTs: peak_ms === null ? null : fromEpochMillis(peak_ms),
    reportedAtMs: reported_ms,
  }))

const selectReported = `
select ${reportedColumns} from p1_metered_peaks where device_id = $1 and month = coalesce($2, month) order by month`

const reported = (sql: SqlClient.SqlClient, deviceId: DeviceId, month: Month | null) =>
  sql
    .unsafe(selectReported, [deviceId, month])
    .pipe(Effect.map(Schema.decodeUnknownSync(Reported)), Effect.map(reportsOf))

/** What the meter last reported of each month. */
export const reportedPeaks = (sql: SqlClient.SqlClient, deviceId: DeviceId) => reported(sql, deviceId, null)

/** What the meter last reported of one month. */
export const reportedPeak = (sql: SqlClient.SqlClient, deviceId: DeviceId, month: Month) =>
  Effect.map(reported(sql, deviceId, month), Arr.head)

const Manual = Schema.Array(Schema.Struct({ month: Schema.String, peak_w: Schema.Number }))

export const manualPeaks = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  sql`select month, peak_w from p1_manual_peaks where device_id = ${deviceId} order by month`.pipe(
    Effect.map(Schema.decodeUnknownSync(Manual)),
    Effect.map((rows) => rows.map(({ month, peak_w }): ManualPeak => ({ month, peakW: peak_w }))),
  )

/** Enters or removes a peak by hand; says whether that changed anything. */
export const setManualPeak = (
  sql: SqlClient.SqlClient,
  deviceId: DeviceId,
  month: Month,
  peakW: Option.Option<number>,
): Effect.Effect<boolean, SqlError.SqlError> =>
  Effect.gen(function* () {
    yield* lock(sql, deviceId)
    const enteredAt = isoOf(yield* Clock.currentTimeMillis)
    const rows = yield* Option.match(peakW, {
      onNone: () => sql`delete from p1_manual_peaks where device_id = ${deviceId} and month = ${month} returning 1`,
      onSome: (watts) =>
        sql`insert into p1_manual_peaks (device_id, month, peak_w, entered_at)
            values (${deviceId}, ${month}, ${watts}, ${enteredAt}::timestamptz)
            on conflict (device_id, month) do update
              set peak_w = excluded.peak_w, entered_at = excluded.entered_at
              where p1_manual_peaks.peak_w <> excluded.peak_w returning 1`,
    })
    if (rows.length > 0) yield* raiseRevision(sql, deviceId)
    return rows.length > 0
  }).pipe(sql.withTransaction)

const columns: ReadonlyArray<Column<ImportedQuarter>> = [
  { name: "start", kind: "millis", get: ({ startMs }) => startMs },
  { name: "energy_import_wh", kind: "double precision", get: ({ energyImportWh }) => energyImportWh },
  { name: "energy_export_wh", kind: "double precision", get: ({ energyExportWh }) => energyExportWh },
  { name: "span_s", kind: "integer", get: ({ spanS }) => spanS },
  { name: "source", kind: "text", get: ({ source }) => source },
  { name: "validated", kind: "boolean", get: ({ validated }) => validated },
]

const Imported = Schema.Array(
  Schema.Struct({
    startMs: Schema.Number,
    energyImportWh: Schema.Number,
    energyExportWh: Schema.NullOr(Schema.Number),
    spanS: Schema.Literal(900, 3600),
    source: ImportSource,
    validated: Schema.Boolean,
  }),
)

/** The imported quarter-hours that start in a range, in order. */
export const importedQuarters = (sql: SqlClient.SqlClient, deviceId: DeviceId, { fromMs, toMs }: Range) =>
  Effect.map(
    sql.unsafe(
      `select ${millisOf("start")} as "startMs", energy_import_wh as "energyImportWh",
              energy_export_wh as "energyExportWh", span_s as "spanS", source, validated
       from p1_imported_quarter_hours
       where device_id = $1 and start >= $2::timestamptz and start < $3::timestamptz order by start`,
      [deviceId, isoOf(fromMs), isoOf(Math.max(fromMs, toMs))],
    ),
    Schema.decodeUnknownSync(Imported),
  )

const upsert = `
insert into p1_imported_quarter_hours (device_id, ${namesOf(columns)}) select $1, * from ${unnest(columns, 2)}
on conflict (device_id, start) do update set (${namesOf(columns)}) = (${namesOf(columns, "excluded.")})`

/** Stores what an import changes, in one transaction. */
export const importQuarters = (
  sql: SqlClient.SqlClient,
  deviceId: DeviceId,
  quarters: ReadonlyArray<ImportedQuarter>,
): Effect.Effect<ImportPlan, SqlError.SqlError> =>
  Effect.gen(function* () {
    yield* lock(sql, deviceId)
    const starts = quarters.map(({ startMs }) => startMs)
    const range = starts.reduce(
      ({ fromMs, toMs }, startMs) => ({
        fromMs: Math.min(fromMs, startMs),
        toMs: Math.max(toMs, startMs + quarterHourMs),
      }),
      { fromMs: Infinity, toMs: -Infinity },
    )
    const stored = quarters.length === 0 ? [] : yield* importedQuarters(sql, deviceId, range)
    const plan = planImport(stored, quarters)
    if (plan.write.length > 0) {
      yield* sql.unsafe(upsert, [deviceId, ...arraysOf(columns, plan.write)])
      yield* raiseRevision(sql, deviceId)
    }
    return plan
  }).pipe(sql.withTransaction)
