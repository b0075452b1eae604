import type { Routine } from "./Routines.ts"

/**
 * The newest samples between two instants, both included. The statement is planned with the instants in it, so that of
 * years of chunks only those of that time are looked at; being stable it sees what the statement around it sees.
 */
const newestBetween = `
create or replace function p1_newest_between (of_device text, from_ts timestamptz, to_ts timestamptz, most integer)
returns setof p1_samples language plpgsql stable as $$
begin
  return query execute
    'select * from p1_samples where device_id = $1 and ts >= $2 and ts <= $3 order by ts desc limit $4'
    using of_device, from_ts, to_ts, most;
end $$`

export const readRoutines: ReadonlyArray<Routine> = [{ name: "p1_newest_between", statements: [newestBetween] }]
