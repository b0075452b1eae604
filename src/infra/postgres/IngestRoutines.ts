import { type Column, namesOf, recordOf, typesOf } from "./Columns.ts"
import { gatherFacts, hold, quarter, windowOf } from "./Facts.ts"
import { peakColumns } from "./PeakRows.ts"
import { quarterColumns } from "./QuarterHourRows.ts"
import type { Routine } from "./Routines.ts"
import { meterColumns, readingColumns, sampleColumns } from "./SampleRows.ts"

/** Locks that any number of writers share and that moving the horizon needs alone. */
export const horizonLock = "7031901"

const sampleNames = namesOf(sampleColumns)
const arrayNames = namesOf(sampleColumns, "a_")
const arrayArguments = typesOf(sampleColumns, "a_", "[]")
const comparedNames = sampleColumns.filter(({ name }) => name !== "received_at")

const lockShared = `perform pg_advisory_xact_lock_shared(${horizonLock});`

const insertInto = <Of>(table: string, columns: ReadonlyArray<Column<Of>>, parameter: string): string =>
  `insert into ${table} (device_id, ${namesOf(columns)})
   select device_id, ${namesOf(columns)} from ${recordOf(columns, parameter)}`

/** Later than this, the power curves of a sample's time may have been made already. */
export const lateAfter = "interval '5 minutes'"

/**
 * What goes with samples: their quarter-hours, readings of sub-meters, its peaks, as lists of
 * JSON objects, each key once. Devices that something changed of get their next revision; `added` are those of which no
 * quarter-hour but the newest did.
 */
const keep = `
create function p1_keep (
  devices text[], changed text[], quarter_hours jsonb, readings jsonb, peaks jsonb, added text[] default null)
returns table (device_id text, revision bigint) language plpgsql as $$
#variable_conflict use_column
begin
  if quarter_hours is not null then
    ${insertInto("p1_quarter_hours", quarterColumns, "quarter_hours")}
    on conflict (device_id, start) do update
      set (${namesOf(quarterColumns)}) = (${namesOf(quarterColumns, "excluded.")});
  end if;
  if readings is not null then
    with written as (
      ${insertInto("p1_external_readings", readingColumns, "readings")}
      on conflict (device_id, kind, id, ts) do update set sample_ts = excluded.sample_ts
        where excluded.sample_ts < p1_external_readings.sample_ts
      returning device_id
    ) select changed || array_agg(device_id) from written into changed;
  end if;
  if peaks is not null then
    with before as (
      select * from p1_metered_peaks where device_id = any(devices)
    ), written as (
      ${insertInto("p1_metered_peaks", peakColumns, "peaks")}
      on conflict (device_id, month) do update
        set peak_w = excluded.peak_w, peak_ts = excluded.peak_ts, reported_at = excluded.reported_at
        where (excluded.reported_at, excluded.peak_w) > (p1_metered_peaks.reported_at, p1_metered_peaks.peak_w)
      returning device_id, month, peak_w, peak_ts
    )
    select changed || array_agg(device_id) from written left join before using (device_id, month)
    where row(written.peak_w, written.peak_ts) is distinct from row(before.peak_w, before.peak_ts) into changed;
  end if;
  return query
    with raised as (
      update p1_devices set revision = p1_devices.revision + 1,
        appended = appended + coalesce(device_id = any(added), false)::int
      where device_id = any(changed) returning device_id, revision
    )
    select * from raised
    union all
    select device_id, revision from p1_devices where device_id = any(devices) and not device_id = any(changed);
end $$`

/** What {@link gatherInto} needs to be declared. */
export const gatherVariables =
  "low timestamptz; high timestamptz; previous timestamptz; following timestamptz; facts jsonb;"

/** How far around the quarter-hours of a batch others are gathered with them by one look at the raw samples. */
const around = "interval '2 hours'"

/**
 * Gathers the facts of `starts`, `firsts`, `lasts` into `facts`. The quarter-hours on either side may be years away: of
 * the raw samples a statement is planned for the chunks of each, not for all that lie between.
 */
export const gatherInto = `
    select min(start) - ${around}, max(start) + ${around} from unnest(starts) start into low, high;
    select max(start) from p1_quarter_hours where device_id = of_device and start < low + ${around} into previous;
    select min(start) from p1_quarter_hours where device_id = of_device and start > high - ${around} into following;
    if previous > low then previous := null; end if;
    if following < high then following := null; end if;
    execute 'select jsonb_agg(to_jsonb(facts)) from (' || $facts$ ${gatherFacts} $facts$ || ') facts'
      into facts using of_device, starts, firsts, lasts, horizon, low, high,
        previous - ${hold}, least(previous + ${quarter}, low), following, following + ${quarter};`

/**
 * Stores samples of one device, in order of time, whose keys are new, and says what there is to decide: the facts of
 * the quarter-hours that changed; nothing of a device that is not there. The device stays locked until the transaction
 * ends. Places count from 0.
 */
const take = (late: string): string => `
create or replace function p1_take (of_device text, ${arrayArguments}, meters jsonb) returns jsonb language plpgsql as $$
#variable_conflict use_column
declare
  horizon timestamptz;
  device record;
  starts timestamptz[]; firsts timestamptz[]; lasts timestamptz[];
  told_at timestamptz[]; ${gatherVariables}
  taken bigint; conflicts jsonb; expired jsonb;
begin
  ${lockShared}
  perform pg_advisory_xact_lock(hashtextextended(of_device, 0));
  select zone, revision into device from p1_devices where device_id = of_device;
  if not found then return null; end if;
  select ts into horizon from p1_horizon;
  with inserted as (
    insert into p1_samples (device_id, ${sampleNames})
    select of_device, ${sampleNames} from unnest(${arrayNames}) as sent (${sampleNames}) where ts >= horizon
    on conflict do nothing returning ts
  ), cut as (
    select ${windowOf("ts")} as start, min(ts) as first_ts, max(ts) as last_ts, count(*) as count
    from inserted group by 1
  )
  select array_agg(start order by start), array_agg(first_ts order by start), array_agg(last_ts order by start),
         coalesce(sum(count), 0)
  from cut into starts, firsts, lasts, taken;
  if taken < cardinality(a_ts) then
    select jsonb_agg(place - 1) from unnest(a_ts) with ordinality as sent (ts, place) where ts < horizon into expired;
    execute 'select jsonb_agg(sent.place - 1)
      from unnest(' || $sent$ ${sampleColumns.map((_, i) => `$${i + 4}`).join(", ")} $sent$ || ') with ordinality as sent (${sampleNames}, place)
      join p1_samples stored on stored.device_id = $1 and stored.ts = sent.ts
        and stored.ts >= $2 and stored.ts <= $3
      where row(${namesOf(comparedNames, "sent.")}) is distinct from row(${namesOf(comparedNames, "stored.")})'
      into conflicts using of_device, greatest(a_ts[1], horizon), a_ts[cardinality(a_ts)], ${arrayNames};
  end if;
  if taken > 0 then
    ${late}
  end if;
  if meters is not null then
    with told as (
      ${insertInto("p1_meter_changes", meterColumns, "meters")} on conflict do nothing returning ts
    ) select array_agg(ts) from told into told_at;
    if told_at is not null then
      told_at := told_at || array(
        select ts from p1_meter_changes
        where device_id = of_device and ts > told_at[1] and unique_id is not null order by ts limit 1);
      select starts || array_agg(${windowOf("at")}), firsts || told_at, lasts || told_at from unnest(told_at) at
      into starts, firsts, lasts;
    end if;
  end if;
  if starts is not null then
    ${gatherInto}
  end if;
  return jsonb_build_object('zone', device.zone, 'revision', device.revision, 'inserted', taken,
    'newMeter', told_at is not null, 'conflicts', coalesce(conflicts, '[]'), 'expired', coalesce(expired, '[]'), 'facts', coalesce(facts, '[]'));
end $$`

/**
 * Stores samples of several devices, given in order of their names, that are all newer than what each has, with
 * what was decided beforehand for the revision that each is expected to be at. A device that is at another, was given
 * another zone or whose samples lie before the horizon is left as it is, and is not in the answer.
 */
const append = (late: string): string => `
create or replace function p1_append (
  devices text[], revisions bigint[], zones text[], first_ts timestamptz[], last_ts timestamptz[],
  a_device text[], ${arrayArguments}, quarter_hours jsonb, readings jsonb, peaks jsonb
) returns table (device_id text, revision bigint) language plpgsql as $$
#variable_conflict use_column
declare
  horizon timestamptz; ready text[]; added text[]; expected bigint; taken bigint;
begin
  ${lockShared}
  perform pg_advisory_xact_lock(hashtextextended(device, 0)) from unnest(devices) device;
  select ts into horizon from p1_horizon;
  select array_agg(sent.device) into ready
  from unnest(devices, revisions, zones, first_ts) as sent (device, revision, zone, ts)
  join p1_devices stored on stored.device_id = sent.device and stored.revision = sent.revision
    and stored.zone = sent.zone
  where sent.ts >= horizon;
  if ready is null then return; end if;
  insert into p1_samples (device_id, ${sampleNames})
  select device_id, ${sampleNames}
  from unnest(a_device, ${arrayNames}) as sent (device_id, ${sampleNames}) where device_id = any(ready)
  on conflict do nothing;
  get diagnostics taken = row_count;
  select count(*) from unnest(a_device) device where device = any(ready) into expected;
  if taken <> expected then
    raise exception 'Samples that were newer than all others are there already' using errcode = 'P1001';
  end if;
  ${late}
  if cardinality(ready) < cardinality(devices) then
    quarter_hours := p1_only(quarter_hours, ready);
    readings := p1_only(readings, ready);
    peaks := p1_only(peaks, ready);
  end if;
  select array_agg(device) into added
  from (select value ->> 'device_id' as device from jsonb_array_elements(quarter_hours) group by 1 having count(*) = 1) one;
  return query select * from p1_keep(ready, ready, quarter_hours, readings, peaks, added);
end $$`

const only = `
create or replace function p1_only (list jsonb, devices text[]) returns jsonb language sql immutable as $$
  select jsonb_agg(value) from jsonb_array_elements(list) where value ->> 'device_id' = any(devices)
$$`

const lateRanges = {
  take: `insert into p1_late_ranges (from_ts, to_ts)
    select start, start + interval '15 minutes' from unnest(starts, firsts) as sent (start, first_ts)
    where first_ts < now() - ${lateAfter};`,
  append: `insert into p1_late_ranges (from_ts, to_ts)
    select first_ts, last_ts + interval '1 millisecond' from unnest(devices, first_ts, last_ts) as sent (device, first_ts, last_ts)
    where device = any(ready) and first_ts < now() - ${lateAfter};`,
}

/** What ingest calls. `curvesAreKept`: whether late samples make power curves that are kept out of date. */
export const ingestRoutines = (curvesAreKept: boolean): ReadonlyArray<Routine> => [
  { name: "p1_only", statements: [only] },
  { name: "p1_keep", statements: ["drop function if exists p1_keep", keep] },
  { name: "p1_take", statements: [take(curvesAreKept ? lateRanges.take : "")] },
  { name: "p1_append", statements: [append(curvesAreKept ? lateRanges.append : "")] },
]
