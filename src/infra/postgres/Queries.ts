import type { SqlClient } from "@effect/sql"
import { Effect, Option, Schema } from "effect"
import {
  type DeviceId,
  type Instant,
  type MeterInfo,
  quarterHourMs,
  type Range,
  recentImportW,
  type Sample,
} from "../../domain/index.ts"
import type { Latest } from "../../domain/ports/index.ts"
import { Reported, reportsOf } from "./Bills.ts"
import { isoOf, namesOf, type Row } from "./Columns.ts"
import { millisOf } from "./Facts.ts"
import { parseQuarter, quartersOfRows } from "./QuarterHourLists.ts"
import { decodeMeter, decodeSample, decodeSampleList, meterColumns, sampleSelection } from "./SampleRows.ts"

const Revision = Schema.Struct({ revision: Schema.Number })
const LatestRow = Schema.Struct({
  revision: Schema.Number,
  past_revision: Schema.Number,
  sample: Schema.Array(Schema.Unknown),
  quarter: Schema.String,
  reported: Reported,
  recent: Schema.String,
})
const decodeLatest = Schema.decodeUnknownSync(LatestRow)

export const revision = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  Effect.map(
    sql.unsafe<Row>("select revision from p1_devices where device_id = $1", [deviceId]),
    ([row]) => Schema.decodeUnknownSync(Revision)(row ?? { revision: 0 }).revision,
  )

/** A sample of the last minute, as the statement lists it: of as many each value is not looked at again. */
type Recent = readonly [tsMs: number, powerW: number, importKwh: number | null, exportKwh: number | null]

const selectLatest = "select * from p1_latest($1, $2)"

const latestOf = (row: unknown): Latest => {
  const { past_revision, quarter, recent, reported, revision, sample } = decodeLatest(row)
  return {
    revision,
    pastRevision: past_revision,
    sample: decodeSampleList(sample),
    quarter: parseQuarter(quarter),
    recentImportW: recentImportW(
      (JSON.parse(recent) as ReadonlyArray<Recent>).map(([tsMs, powerW, importKwh, exportKwh]) => ({
        tsMs,
        powerW,
        importKwh,
        exportKwh,
      })),
    ),
    reported: reportsOf(reported),
  }
}

/** One statement, so that all of it is of one revision. */
export const latest = (sql: SqlClient.SqlClient, deviceId: DeviceId, notAfter: Instant) =>
  Effect.map(sql.unsafe(selectLatest, [deviceId, isoOf(notAfter.epochMillis)]), ([row]) =>
    Option.map(Option.fromNullable(row), latestOf),
  )

const selectQuarterHours = "select p1_quarter_hours_of($1, $2, $3) as quarters"

export const quarterHours = (sql: SqlClient.SqlClient, deviceId: DeviceId, { fromMs, toMs }: Range) =>
  Effect.map(sql.unsafe(selectQuarterHours, [deviceId, isoOf(fromMs), isoOf(Math.max(fromMs, toMs))]), quartersOfRows)

const Extent = Schema.Struct({ first_ms: Schema.NullOr(Schema.Number), last_ms: Schema.NullOr(Schema.Number) })

export const extent = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  Effect.map(
    sql.unsafe<Row>(
      `select ${millisOf("min(first)")} as first_ms, ${millisOf("max(last)")} as last_ms from (
         select min(start) as first, max(start) as last from p1_quarter_hours where device_id = $1
         union all select min(start), max(start) from p1_imported_quarter_hours where device_id = $1
       ) known`,
      [deviceId],
    ),
    ([row]): Option.Option<Range> => {
      const { first_ms, last_ms } = Schema.decodeUnknownSync(Extent)(row)
      return first_ms === null || last_ms === null
        ? Option.none()
        : Option.some({ fromMs: first_ms, toMs: last_ms + quarterHourMs })
    },
  )

const selectSamples = `
select ${sampleSelection} from p1_samples stored
where device_id = $1 and ts >= $2::timestamptz and ts < $3::timestamptz order by ts limit $4`

export const samples = (sql: SqlClient.SqlClient, deviceId: DeviceId, { fromMs, toMs }: Range, limit?: number) =>
  Effect.map(
    sql.unsafe<Row>(selectSamples, [deviceId, isoOf(fromMs), isoOf(toMs), limit ?? null]),
    (rows): ReadonlyArray<Sample> => rows.map(decodeSample),
  )

export const meterInfos = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  Effect.map(
    sql.unsafe<Row>(`select ${namesOf(meterColumns)} from p1_meter_changes where device_id = $1 order by ts`, [
      deviceId,
    ]),
    (rows): ReadonlyArray<MeterInfo> => rows.map(decodeMeter),
  )
