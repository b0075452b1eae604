import { recentMs } from "../../domain/index.ts"
import { reportedColumns } from "./Bills.ts"
import { millisOf } from "./Facts.ts"
import { listed, quarterList } from "./QuarterHourLists.ts"
import type { Routine } from "./Routines.ts"
import { sampleList } from "./SampleRows.ts"

const recentFrom = `interval '${recentMs} milliseconds'`

/** TimescaleDB takes what is older by now out of the plan of a statement that says so in these words. */
const lately = "now() - interval '1 day'"

const samplesOf = (device: string, from: string, to: string): string => `
    select array(select stored from p1_samples stored
      where device_id = ${device} and ts >= ${from} and ts <= ${to} order by ts)`

/**
 * The newest sample that is not after an instant, its quarter-hour and what else a reader of the two wants to know. A
 * function, as its plans stay with the connection: making them takes longer than what they do. They stay while tables
 * grow, so that none reads a whole table for being small. One plan for years of chunks would take a third of a second:
 * only the samples of the last day have one. Others, and those that it misses as the clock was set back, are looked
 * for by a statement that is planned each time, with the instants in it. Few columns, as each costs its share of the
 * millisecond.
 */
const latest = `
create function p1_latest (of_device text, not_after timestamptz)
returns table (revision bigint, past_revision bigint, sample json, quarter text, recent text, reported json)
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
  known p1_quarter_hours; from_ts timestamptz; to_ts timestamptz; near p1_samples[]; stored p1_samples;
begin
  select * from p1_quarter_hours
  where device_id = of_device and start <= not_after and first_ts <= not_after
  order by start desc limit 1 into known;
  from_ts := case when known.last_ts <= not_after then known.last_ts else known.start end - ${recentFrom};
  to_ts := least(known.last_ts, not_after);
  if from_ts >= ${lately} then
    ${samplesOf("of_device", `from_ts and ts >= ${lately}`, "to_ts")} into near;
  end if;
  if coalesce(near, '{}') = '{}' then
    execute $near$ ${samplesOf("$1", "$2", "$3")} $near$ using of_device, from_ts, to_ts into near;
  end if;
  stored := near[cardinality(near)];
  if stored.ts is null then return; end if;
  return query
    select device.revision, device.revision - device.appended, ${sampleList}, ${listed("known.")},
      (select '[' || string_agg('[' || concat_ws(',', ${millisOf("ts")}, power_w,
         coalesce(energy_import_kwh::text, 'null'), coalesce(energy_export_kwh::text, 'null')) || ']', ',' order by ts) || ']'
       from unnest(near) where ts >= stored.ts - ${recentFrom}),
      (select coalesce(json_agg(report), '[]') from (select ${reportedColumns} from p1_metered_peaks
       where device_id = of_device and month >= to_char((stored.ts - interval '1 day') at time zone 'UTC', 'YYYY-MM')) report)
    from p1_devices device where device.device_id = of_device;
end $$`

const ofDevice = "p1_quarter_hours where device_id = of_device"
const slice = "interval '96 hours'"

/**
 * The quarter-hours that start in a range, with the nearest one on either side of it: lists of some days each, as a text
 * of a year takes longer to copy, from one piece of memory into the next, than to write.
 */
const quarterHours = `
create function p1_quarter_hours_of (of_device text, from_ts timestamptz, to_ts timestamptz)
returns setof text language plpgsql stable as $$
begin
  return query select ${quarterList(`${ofDevice} and start < from_ts order by start desc limit 1`)};
  return query
    select ${quarterList(`${ofDevice} and start >= at and start < least(at + ${slice}, to_ts) order by start`)}
    from (select min(start) as first, max(start) as last from ${ofDevice} and start >= from_ts and start < to_ts) known,
      generate_series(first, last, ${slice}) at
    order by at;
  return query select ${quarterList(`${ofDevice} and start >= to_ts order by start limit 1`)};
end $$`

/** What reads call. */
export const readRoutines: ReadonlyArray<Routine> = [
  { name: "p1_latest", statements: ["drop function if exists p1_latest", latest] },
  { name: "p1_quarter_hours_of", statements: ["drop function if exists p1_quarter_hours_of", quarterHours] },
]
