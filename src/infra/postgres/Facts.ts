import type { SqlClient } from "@effect/sql"
import { Effect } from "effect"
import {
  closestMs,
  type DeviceId,
  doubtReachMs,
  holdMs,
  noiseKwh,
  plausibleKw,
  quarterHourMs,
  type WindowFacts,
} from "../../domain/index.ts"
import { isoOf, type Row } from "./Columns.ts"
import { decodeFacts } from "./QuarterHourRows.ts"

/** A quarter-hour that got samples, and the first and last instant of those. */
export interface TouchedWindow {
  readonly startMs: number
  readonly firstMs: number
  readonly lastMs: number
}

/** The quarter-hour that holds an instant. */
export const windowOf = (instant: string): string =>
  `date_bin(interval '15 minutes', ${instant}, timestamptz '1970-01-01T00:00:00Z')`

/** Milliseconds since 1970. */
export const millisOf = (instant: string): string => `(date_part('epoch', ${instant}) * 1000)::bigint`

const registers = "energy_import_kwh, energy_export_kwh"
const point = (name: string, which: string): string => `
  max(at) filter (where ${which}) as ${name}_ms,
  max(energy_import_kwh) filter (where ${which}) as ${name}_import,
  max(energy_export_kwh) filter (where ${which}) as ${name}_export`

/** When another meter was first seen. */
export const meterChanges = `
  select ts from (
    select ts, unique_id, lag(unique_id) over (order by ts) as previous_id
    from p1_meter_changes where device_id = $1 and unique_id is not null
  ) told where unique_id <> previous_id`

/** Whether a register can have gone from the row before to this one: `continues` of the domain, in SQL. */
const continues = (register: string): string => `
  case when previous_${register} is null or ${register} is null
    then previous_${register} is null and ${register} is null
    else ${register} >= previous_${register} - ${noiseKwh}::float8
      and ${register} - previous_${register} <=
        (${plausibleKw} * greatest(at - previous_at, ${closestMs}))::float8 / 3600000::float8 end`

/**
 * Facts of the windows that got samples, of the nearest windows on either side, whose neighbour is a new sample, and of
 * unsteady ones within reach. `place` is -1 for the sample before a window, 0 inside it, 1 after it.
 */
const statement = `
with touched(start, first_ts, last_ts) as (
  select * from unnest($2::timestamptz[], $3::timestamptz[], $4::timestamptz[])
), windows(start) as (
  select start from touched
  union
  select ${windowOf("near.ts")} from touched cross join lateral (
    (select ts from p1_samples where device_id = $1 and ts < first_ts order by ts desc limit 1)
    union all
    (select ts from p1_samples where device_id = $1 and ts > last_ts order by ts limit 1)
  ) near
  union
  select quarter.start from touched join p1_quarter_hours quarter
    on quarter.device_id = $1 and not quarter.steady
   and quarter.start between touched.start - interval '${doubtReachMs} milliseconds'
                         and touched.start + interval '${doubtReachMs} milliseconds'
), changes as (
  select ${millisOf("ts")} as change_ms from (${meterChanges}) changed
), chain as (
  select ${millisOf("start")} as start_ms, ${millisOf("start")} + ${quarterHourMs} as end_ms,
         ${millisOf("ts")} as at, place, power_w, ${registers}
  from windows cross join lateral (
    (select -1 as place, ts, power_w, ${registers} from p1_samples
      where device_id = $1 and ts < start order by ts desc limit 1)
    union all
    (select 0, ts, power_w, ${registers} from p1_samples
      where device_id = $1 and ts >= start and ts < start + interval '15 minutes')
    union all
    (select 1, ts, power_w, ${registers} from p1_samples
      where device_id = $1 and ts >= start + interval '15 minutes' order by ts limit 1)
  ) near
), linked as (
  select *, lag(at) over k as previous_at, lag(energy_import_kwh) over k as previous_energy_import_kwh,
    lag(energy_export_kwh) over k as previous_energy_export_kwh, lead(at) over k as next_at, lag(place) over k as previous_place, lead(place) over k as next_place
  from chain window k as (partition by start_ms order by at)
), held as (
  select *,
    greatest(0, least(next_at, at + ${holdMs}, end_ms) - greatest(at, start_ms)) as for_ms,
    case when next_at - at <= ${holdMs} then greatest(0, least(next_at, end_ms) - greatest(at, start_ms)) end as cover_ms
  from linked
)
select start_ms,
  count(*) filter (where place = 0) as sample_count,
  bool_and(previous_at is null or (${continues("energy_import_kwh")} and ${continues("energy_export_kwh")}))
    and not exists (select from changes where change_ms > min(at) and change_ms <= max(at)) as steady,
  ${point("first", "place = 0 and previous_place is distinct from 0")},
  ${point("last", "place = 0 and next_place is distinct from 0")},
  ${point("before", "place = -1")},
  ${point("after", "place = 1")},
  coalesce(sum(greatest(power_w, 0)::bigint * for_ms) filter (where next_at is not null), 0)::float8 as import_wms,
  coalesce(sum(greatest(-power_w, 0)::bigint * for_ms) filter (where next_at is not null), 0)::float8 as export_wms,
  coalesce(sum(for_ms) filter (where next_at is not null), 0)::float8 as held_ms,
  coalesce(sum(cover_ms), 0)::float8 as covered_ms,
  max(power_w) filter (where place = 0) as max_power_w
from held group by start_ms having count(*) filter (where place = 0) > 0`

/** Gathers what the domain decides quarter-hours by where they are steady; one statement, however many windows. */
export const gather = (sql: SqlClient.SqlClient, deviceId: DeviceId, touched: ReadonlyArray<TouchedWindow>) =>
  sql
    .unsafe<Row>(statement, [
      deviceId,
      touched.map(({ startMs }) => isoOf(startMs)),
      touched.map(({ firstMs }) => isoOf(firstMs)),
      touched.map(({ lastMs }) => isoOf(lastMs)),
    ])
    .pipe(Effect.map((rows): ReadonlyArray<WindowFacts> => rows.map(decodeFacts)))
