import { hoursOf, minutesOf } from "./PowerCurves.ts"

/**
 * A week: at 1 Hz one device makes about 130 MB of it, and 24 MB once compressed (214 and 39 bytes a sample, measured);
 * ten years are 520 chunks, and a statement that knows its times plans for one or two. Beside a year of chunks, a day each,
 * a week, 30 days: ingest took 12,300, 20,000 and 20,900 rows a second, a day's curve by minute 26, 26 and 43 ms.
 */
const chunkInterval = "interval '7 days'"

/** Refreshes end this long before now: what is newer is aggregated as it is read. */
export const realTime = "interval '10 minutes'"

const curve = (name: string, select: string): string => `
create materialized view ${name} with (timescaledb.continuous, timescaledb.materialized_only = false)
as ${select} with no data`

const sqlBucket = (width: string, instant: string): string => `time_bucket(interval '${width}', ${instant})`

/** Turns the samples into a hypertable with compression, and the power curves into continuous aggregates. */
export const toHypertable: ReadonlyArray<string> = [
  "drop view if exists p1_power_hours, p1_power_minutes",
  "delete from p1_routines where name = 'p1_power_curves'",
  `select create_hypertable('p1_samples', by_range('ts', ${chunkInterval}),
     create_default_indexes => false, migrate_data => true)`,
  // Refreshes look for times, whatever the device: rows come nearly in order of time, so that ranges of pages suffice.
  "create index p1_samples_ts on p1_samples using brin (ts) with (pages_per_range = 32, autosummarize = on)",
  `alter table p1_samples set (
     timescaledb.enable_columnstore, timescaledb.segmentby = 'device_id', timescaledb.orderby = 'ts')`,
]

/** Buckets are UTC: aggregates by local time lose rows of batches that span chunks. */
export const toAggregates: ReadonlyArray<string> = [
  curve("p1_power_minutes", minutesOf(sqlBucket("1 minute", "ts"))),
  curve("p1_power_hours", hoursOf(sqlBucket("1 hour", "bucket"))),
]

const refreshPolicy = (name: string, startOffset: string, every: string): string => `
select add_continuous_aggregate_policy('${name}', start_offset => interval '${startOffset}', end_offset => ${realTime},
  schedule_interval => interval '${every}', buckets_per_batch => 0, if_not_exists => true)`

/** Background jobs for the recent past; they come last, when all that is older has been aggregated. */
export const policies: ReadonlyArray<string> = [
  `call add_columnstore_policy('p1_samples', after => ${chunkInterval}, if_not_exists => true)`,
  refreshPolicy("p1_power_minutes", "3 hours", "5 minutes"),
  refreshPolicy("p1_power_hours", "6 hours", "15 minutes"),
]

/** TimescaleDB's jobs for our tables, and how each last went. */
export const ourJobs = `
select job_id, proc_name, schedule_interval, last_run_started_at, last_run_status,
  coalesce(view_name, j.hypertable_name) as relation
from timescaledb_information.jobs j
left join timescaledb_information.job_stats using (job_id)
left join timescaledb_information.continuous_aggregates on materialization_hypertable_name = j.hypertable_name
where coalesce(view_name, j.hypertable_name) in ('p1_samples', 'p1_power_minutes', 'p1_power_hours')`

/** Up to when both curves are kept; null before the first refresh. What is newer is aggregated as it is read. */
export const keptUntil = `
select case when until > '1970-01-01' then until end as until from (
  select min(_timescaledb_functions.to_timestamp(_timescaledb_functions.cagg_watermark(mat_hypertable_id))) as until
  from _timescaledb_catalog.continuous_agg where user_view_name in ('p1_power_minutes', 'p1_power_hours')
) watermark`

/**
 * Deletes what the curves have kept of a device from before an instant: a refresh could not where its samples were
 * dropped, and would aggregate all other devices again. Waits for one that is under way, which still knows the samples.
 */
const forgetCurves = `
declare
  kept regclass;
begin
  for kept in
    select format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)::regclass
    from timescaledb_information.continuous_aggregates where view_name in ('p1_power_minutes', 'p1_power_hours')
  loop
    execute format('lock table %s in share row exclusive mode', kept);
    execute format('delete from %s where device_id = $1 and bucket < $2', kept) using of_device, before_ts;
  end loop;
end`

/** Readers of a range, with the names and columns of the plain ones. */
export const aggregateCurves = {
  minutes: "select * from p1_power_minutes where device_id = of_device and bucket >= from_ts and bucket < to_ts",
  hours: "select * from p1_power_hours where device_id = of_device and bucket >= from_ts and bucket < to_ts",
  forget: forgetCurves,
}
