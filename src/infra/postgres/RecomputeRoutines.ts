import { namesOf, recordOf } from "./Columns.ts"
import { windowOf } from "./Facts.ts"
import { gatherInto, gatherVariables, horizonLock } from "./IngestRoutines.ts"
import { quarterColumns } from "./QuarterHourRows.ts"
import type { Routine } from "./Routines.ts"

/** The facts of all quarter-hours of a range that hold raw samples; the device stays locked. */
const recount = `
create or replace function p1_recount (of_device text, from_ts timestamptz, to_ts timestamptz)
returns jsonb language plpgsql as $$
declare
  horizon timestamptz; ${gatherVariables}
  starts timestamptz[]; firsts timestamptz[]; lasts timestamptz[];
begin
  perform pg_advisory_xact_lock_shared(${horizonLock});
  perform pg_advisory_xact_lock(hashtextextended(of_device, 0));
  select ts into horizon from p1_horizon;
  execute 'select array_agg(start order by start), array_agg(first_ts order by start), array_agg(last_ts order by start)
    from (select ${windowOf("ts").replaceAll("'", "''")} as start, min(ts) as first_ts, max(ts) as last_ts from p1_samples
          where device_id = $1 and ts >= $2 and ts < $3 group by 1) cut'
    into starts, firsts, lasts using of_device, greatest(from_ts, horizon), to_ts;
  if starts is null then return '[]'; end if;
  ${gatherInto}
  return facts;
end $$`

/** Makes the quarter-hours of a range those given; gives how many were otherwise. */
const replace = `
create or replace function p1_replace (of_device text, from_ts timestamptz, to_ts timestamptz, quarter_hours jsonb)
returns integer language plpgsql as $$
declare
  horizon timestamptz; deleted integer; written integer;
begin
  select ts into horizon from p1_horizon;
  delete from p1_quarter_hours
  where device_id = of_device and start >= greatest(from_ts, horizon) and start < to_ts
    and start not in (select sent.start from ${recordOf(quarterColumns, "quarter_hours")});
  get diagnostics deleted = row_count;
  insert into p1_quarter_hours as known (device_id, ${namesOf(quarterColumns)})
  select device_id, ${namesOf(quarterColumns)} from ${recordOf(quarterColumns, "quarter_hours")}
  on conflict (device_id, start) do update
    set (${namesOf(quarterColumns)}) = (${namesOf(quarterColumns, "excluded.")})
    where row(${namesOf(quarterColumns, "known.")}) is distinct from row(${namesOf(quarterColumns, "excluded.")});
  get diagnostics written = row_count;
  if deleted + written > 0 then
    update p1_devices set revision = revision + 1 where device_id = of_device;
  end if;
  return deleted + written;
end $$`

export const recomputeRoutines: ReadonlyArray<Routine> = [
  { name: "p1_recount", statements: [recount] },
  { name: "p1_replace", statements: [replace] },
]
