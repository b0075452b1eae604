import { closestMs, doubtReachMs, holdMs, noiseKwh, plausibleKw, quarterHourMs } from "../../domain/index.ts"

/** The quarter-hour that holds an instant. */
export const windowOf = (instant: string): string =>
  `date_bin(interval '15 minutes', ${instant}, timestamptz '1970-01-01T00:00:00Z')`

/** Milliseconds since 1970. */
export const millisOf = (instant: string): string => `(date_part('epoch', ${instant}) * 1000)::bigint`

/** When another meter of the device $1 was first seen. */
export const meterChanges = `
  select ts from (
    select ts, unique_id, lag(unique_id) over (order by ts) as previous_id
    from p1_meter_changes where device_id = $1 and unique_id is not null
  ) told where unique_id <> previous_id`

interface Reading {
  readonly atMs: string
  readonly kwh: string
}

/** Whether a register can have gone from one reading to the next: `follows` of the domain, in SQL. */
const follows = (from: Reading, to: Reading): string => `
  case when ${from.kwh} is null or ${to.kwh} is null then ${from.kwh} is null and ${to.kwh} is null
    else ${to.kwh} >= ${from.kwh} - ${noiseKwh}::float8
      and ${to.kwh} - ${from.kwh} <=
        (${plausibleKw} * greatest(${to.atMs} - ${from.atMs}, ${closestMs}))::float8 / 3600000::float8 end`

const insideFollows = (register: string): string =>
  follows({ atMs: "previous_at", kwh: `previous_${register}` }, { atMs: "at", kwh: register })
const edgeFollows = (from: string, to: string, register: string): string =>
  follows({ atMs: `${from}_ms`, kwh: `${from}_${register}` }, { atMs: `${to}_ms`, kwh: `${to}_${register}` })
const bothFollow = (from: string, to: string): string =>
  ["import", "export"].map((register) => edgeFollows(from, to, register)).join(" and ")

const reach = `interval '${doubtReachMs} milliseconds'`
export const hold = `interval '${holdMs} milliseconds'`
export const quarter = "interval '15 minutes'"

/** Raw samples that a window needs, of those between bounds: values, so that a plan has only the chunks between them. */
const rawOf = (from: string, to: string): string => `
    select ts, power_w, energy_import_kwh, energy_export_kwh from p1_samples
    where device_id = $1 and ts >= ${from} and ts < ${to}
      and ts >= windows.start - ${hold} and ts < windows.start + ${quarter}`

/**
 * Facts of the quarter-hours that got samples, of those on either side whose neighbour is a new sample, and of unsteady
 * ones within reach. Where `steady` is false the domain has to look at the samples themselves.
 *
 * $1 the device; $2, $3, $4 the quarter-hours that got samples, in order, with the first and last instant of those; $5
 * the horizon, before which quarter-hours stay as they are; $6, $7 bounds of the raw samples around those; $8, $9 and
 * $10, $11 of the quarter-hours on either side of them that lie beyond, null where none does.
 *
 * Raw samples are read inside a window and as far before it as a power is held. What lies beyond that is the last
 * sample of the quarter-hour before, or the first of the one after, which their rows know: so no statement has to look
 * through chunks of years, and samples that are gone are not missed.
 */
export const gatherFacts = `
with touched(start, first_ts, last_ts) as (
  select * from unnest($2, $3, $4)
), near as (
  select touched.*, nearby.start as near_start, place,
         known.start is null or not known.steady
           or case place when -1 then touched.first_ts <= known.first_ts
                         else touched.last_ts > known.last_ts end as is_neighbour
  from touched
  left join p1_quarter_hours known on known.device_id = $1 and known.start = touched.start
  cross join lateral (
    (select start, -1 as place from p1_quarter_hours where device_id = $1 and start < touched.start
      order by start desc limit 1)
    union all
    (select start, 1 from p1_quarter_hours where device_id = $1 and start > touched.start order by start limit 1)
  ) nearby
), windows(start) as (
  select start from touched
  union
  select near_start from near where is_neighbour and near_start >= $5
  union
  select unsteady.start from touched join p1_quarter_hours unsteady
    on unsteady.device_id = $1 and not unsteady.steady and unsteady.start >= $5
   and unsteady.start between touched.start - ${reach} and touched.start + ${reach}
), linked as (
  select start, ts, power_w, energy_import_kwh, energy_export_kwh, ts >= start as inside,
         lead(ts) over k as next_ts, lag(ts) over k as previous_ts,
         lag(energy_import_kwh) over k as previous_energy_import_kwh,
         lag(energy_export_kwh) over k as previous_energy_export_kwh
  from windows cross join lateral (
    ${rawOf("$6", "$7")} union all ${rawOf("$8", "$9")} union all ${rawOf("$10", "$11")}
  ) raw
  window k as (partition by start order by ts)
), timed as (
  select *, ${millisOf("start")} as start_ms, ${millisOf("ts")} as at, ${millisOf("next_ts")} as next_at,
         ${millisOf("previous_ts")} as previous_at,
         inside and (previous_ts is null or previous_ts < start) as is_first, inside and next_ts is null as is_last
  from linked
), held as (
  select *,
    case when next_at is not null then greatest(0, least(next_at, at + ${holdMs}) - greatest(at, start_ms)) end as for_ms,
    case when next_at - at <= ${holdMs} then greatest(0, next_at - greatest(at, start_ms)) end as cover_ms
  from timed
), known as (
  select start, start_ms,
    count(*) filter (where inside) as sample_count,
    max(power_w) filter (where inside) as max_power_w,
    coalesce(sum(greatest(power_w, 0)::bigint * for_ms), 0) as import_wms,
    coalesce(sum(greatest(-power_w, 0)::bigint * for_ms), 0) as export_wms,
    coalesce(sum(for_ms), 0) as held_ms,
    coalesce(sum(cover_ms), 0) as covered_ms,
    max(power_w) filter (where is_last) as last_power_w,
    bool_and(not inside or is_first
      or (${insideFollows("energy_import_kwh")} and ${insideFollows("energy_export_kwh")})) as steady,
    min(at) filter (where is_first) as first_ms,
    max(energy_import_kwh) filter (where is_first) as first_import,
    max(energy_export_kwh) filter (where is_first) as first_export,
    max(at) filter (where is_last) as last_ms,
    max(energy_import_kwh) filter (where is_last) as last_import,
    max(energy_export_kwh) filter (where is_last) as last_export
  from held group by start, start_ms having bool_or(inside)
), neighbours as (
  select start, first_ms, first_import, first_export, last_ms, last_import, last_export, true as are_raw from known
  union
  select nearby.start, ${millisOf("first_ts")}, first_import_kwh, first_export_kwh,
         ${millisOf("last_ts")}, last_import_kwh, last_export_kwh, steady
  from windows cross join lateral (
    (select * from p1_quarter_hours where device_id = $1 and start < windows.start order by start desc limit 1)
    union all
    (select * from p1_quarter_hours where device_id = $1 and start > windows.start order by start limit 1)
  ) nearby
  where nearby.start not in (select start from windows)
), changes as (
  select ${millisOf("ts")} as change_ms from (${meterChanges}) changed
), edged as (
  select *,
    lag(last_ms) over k as before_ms, lag(last_import) over k as before_import, lag(last_export) over k as before_export,
    lead(first_ms) over k as after_ms, lead(first_import) over k as after_import,
    lead(first_export) over k as after_export,
    coalesce(lag(are_raw) over k, true) and coalesce(lead(are_raw) over k, true) as between_raw
  from neighbours window k as (order by start)
)
select start_ms, sample_count, max_power_w, last_power_w,
  steady and between_raw
    and (before_ms is null or (${bothFollow("before", "first")}))
    and (after_ms is null or (${bothFollow("last", "after")}))
    and not exists (select from changes
      where change_ms > coalesce(before_ms, first_ms) and change_ms <= coalesce(after_ms, last_ms)) as steady,
  first_ms, first_import, first_export, last_ms, last_import, last_export, before_ms, before_import, before_export, after_ms, after_import, after_export,
  (import_wms + greatest(last_power_w, 0)::bigint * last_for)::float8 as import_wms,
  (export_wms + greatest(-last_power_w, 0)::bigint * last_for)::float8 as export_wms,
  (held_ms + last_for)::float8 as held_ms,
  (covered_ms + case when after_ms - last_ms <= ${holdMs}
                     then least(after_ms, start_ms + ${quarterHourMs}) - last_ms else 0 end)::float8 as covered_ms
from known
join (select start, before_ms, before_import, before_export, after_ms, after_import, after_export, between_raw from edged) edged
  using (start)
cross join lateral (
  select case when after_ms is null then 0
              else least(after_ms, last_ms + ${holdMs}, start_ms + ${quarterHourMs}) - last_ms
         end as last_for
) tail`
