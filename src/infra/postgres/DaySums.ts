import { dayMs, quarterHourMs } from "../../domain/index.ts"
import type { Routine } from "./Routines.ts"

/** What quarter-hours add up to: the columns of p1_day_sums. */
const sums: Readonly<Record<string, string>> = {
  quarter_hours: "count(*)",
  eligible: "bool_and(eligible)",
  import_wh: "sum(energy_import_wh::integer)",
  export_wh: "sum(energy_export_wh::integer)",
  span_ms: "sum(span_ms)",
  covered_ms: `sum((coverage * ${quarterHourMs})::integer)`,
  max_power_w: "max(max_power_w)",
  highest: "max((energy_import_wh << 32) - date_part('epoch', start)::bigint) filter (where eligible)",
}

export const sumNames: ReadonlyArray<string> = Object.keys(sums)
export const selectedSums = Object.entries(sums)
  .map(([name, sum]) => `${sum} as ${name}`)
  .join(", ")

/** The Wh of `highest`, and its start in s since 1970. */
export const highestWh = "((highest + (1::bigint << 32) - 1) >> 32)"
export const highestS = `((${highestWh} << 32) - highest)`

export const day = `interval '${dayMs} milliseconds'`
const fullDay = dayMs / quarterHourMs
const dayOf = `date_bin(${day}, start, timestamptz '1970-01-01T00:00:00Z')`
const touched = `select distinct device_id, ${dayOf} as start from changed`
const listed = sumNames.join(", ")

/** A day that does not have its last quarter-hour is not looked at further: the running one, over and over. */
const sumDays = `
create or replace function p1_sum_days () returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    delete from p1_day_sums kept using (${touched}) touched
    where kept.device_id = touched.device_id and kept.start = touched.start;
  else
    insert into p1_day_sums (device_id, start, ${listed})
    select touched.device_id, touched.start, each.* from (${touched}) touched cross join lateral (
      select ${selectedSums} from p1_quarter_hours
      where device_id = touched.device_id and start >= touched.start and start < touched.start + ${day}
        and exists (select from p1_quarter_hours
          where device_id = touched.device_id and start = touched.start + ${day} - interval '15 minutes')
      having count(*) = ${fullDay}) each
    on conflict (device_id, start) do update set (${listed}) = (${sumNames.map((name) => `excluded.${name}`).join(", ")});
  end if;
  return null;
end $$`

const after = (event: "insert" | "update" | "delete", rows: "new" | "old"): string => `
create or replace trigger p1_sum_days_${event} after ${event} on p1_quarter_hours
referencing ${rows} table as changed for each statement execute function p1_sum_days()`

/** All that is there is summed up anew, as another text may add up otherwise. */
const fill = [
  "delete from p1_day_sums",
  `insert into p1_day_sums (device_id, start, ${listed})
   select device_id, ${dayOf}, ${selectedSums} from p1_quarter_hours group by 1, 2 having count(*) = ${fullDay}`,
]

/** Whoever writes quarter-hours, and however, the sums are right in the same transaction. */
export const daySums: Routine = {
  name: "p1_sum_days",
  statements: [sumDays, after("insert", "new"), after("update", "new"), after("delete", "old"), ...fill],
}
