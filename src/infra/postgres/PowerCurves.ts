import type { SqlClient } from "@effect/sql"
import { Effect, Schema } from "effect"
import type { CurveBucket, DeviceId, PhasePoint, PowerPoint, Range } from "../../domain/index.ts"
import { isoOf } from "./Columns.ts"
import { millisOf } from "./Facts.ts"

const phases = ["l1", "l2", "l3"] as const
const perPhase = (expressions: (phase: string) => ReadonlyArray<string>): string =>
  phases.flatMap((phase) => expressions(phase)).join(", ")

/** The columns of p1_power_minutes; `bucket` is the expression that cuts `ts` into UTC minutes. */
export const minutesOf = (bucket: string, where = "true"): string => `
select device_id, ${bucket} as bucket, count(*) as sample_count,
  sum(power_w)::float8 / count(*) as mean_power_w, min(power_w) as min_power_w, max(power_w) as max_power_w,
  sum(power_w) as power_sum_w,
  ${perPhase((phase) => [
    `sum(power_${phase}_w) as power_${phase}_sum_w`,
    `count(power_${phase}_w) as power_${phase}_count`,
    `min(voltage_${phase}_v) as min_voltage_${phase}_v`,
    `max(voltage_${phase}_v) as max_voltage_${phase}_v`,
  ])}
from p1_samples where ${where} group by 1, 2`

/** The columns of p1_power_hours, the same, made of minutes. */
export const hoursOf = (bucket: string, minutes = "p1_power_minutes"): string => `
select device_id, ${bucket} as bucket, sum(sample_count)::bigint as sample_count,
  sum(power_sum_w)::float8 / sum(sample_count)::float8 as mean_power_w,
  min(min_power_w) as min_power_w, max(max_power_w) as max_power_w,
  sum(power_sum_w)::bigint as power_sum_w,
  ${perPhase((phase) => [
    `sum(power_${phase}_sum_w) as power_${phase}_sum_w`,
    `sum(power_${phase}_count)::bigint as power_${phase}_count`,
    `min(min_voltage_${phase}_v) as min_voltage_${phase}_v`,
    `max(max_voltage_${phase}_v) as max_voltage_${phase}_v`,
  ])}
from ${minutes} group by 1, 2`

/** Names and types of the columns of both. */
export const curveColumns = `
  device_id text, bucket timestamptz, sample_count bigint,
  mean_power_w float8, min_power_w integer, max_power_w integer, power_sum_w bigint,
  ${perPhase((phase) => [
    `power_${phase}_sum_w float8`,
    `power_${phase}_count bigint`,
    `min_voltage_${phase}_v float8`,
    `max_voltage_${phase}_v float8`,
  ])}`

const Known = Schema.NullOr(Schema.Number)
const Phase = Schema.Tuple(Known, Known, Known)
const Row = Schema.Struct({
  start_ms: Schema.Number,
  sample_count: Schema.Number,
  mean_power_w: Schema.Number,
  min_power_w: Schema.Number,
  max_power_w: Schema.Number,
  phases: Schema.Tuple(Phase, Phase, Phase),
})
const decodeRows = Schema.decodeUnknownSync(Schema.Array(Row))

const phaseOf = ([meanPowerW, minVoltageV, maxVoltageV]: typeof Phase.Type): PhasePoint => ({
  meanPowerW,
  minVoltageV,
  maxVoltageV,
})

const pointOf = (row: typeof Row.Type): PowerPoint => ({
  startMs: row.start_ms,
  sampleCount: row.sample_count,
  meanPowerW: row.mean_power_w,
  minPowerW: row.min_power_w,
  maxPowerW: row.max_power_w,
  phases: [phaseOf(row.phases[0]), phaseOf(row.phases[1]), phaseOf(row.phases[2])],
})

const routines = { minute: "p1_power_minutes_of", hour: "p1_power_hours_of" } as const

const select = (bucket: CurveBucket): string => `
select ${millisOf("bucket")} as start_ms, sample_count, mean_power_w, min_power_w, max_power_w,
  json_build_array(${perPhase((phase) => [
    `json_build_array(power_${phase}_sum_w / nullif(power_${phase}_count, 0), min_voltage_${phase}_v, max_voltage_${phase}_v)`,
  ])}) as phases
from ${routines[bucket]}($1, $2::timestamptz, $3::timestamptz) order by bucket`

const Lack = Schema.decodeUnknownSync(Schema.Tuple(Schema.Struct({ lack: Schema.String })))

/** Late ranges come with ever higher numbers, and go when the curves have them. */
export const curvesLack = (sql: SqlClient.SqlClient) =>
  Effect.map(sql`select concat(count(*), ' ', max(id)) as lack from p1_late_ranges`, (rows) => Lack(rows)[0].lack)

export const powerCurve = (
  sql: SqlClient.SqlClient,
  deviceId: DeviceId,
  { fromMs, toMs }: Range,
  bucket: CurveBucket,
) =>
  Effect.map(sql.unsafe(select(bucket), [deviceId, isoOf(fromMs), isoOf(toMs)]), (rows): ReadonlyArray<PowerPoint> =>
    decodeRows(rows).map(pointOf),
  )
