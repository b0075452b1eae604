import type { SqlClient } from "@effect/sql"
import { Effect, Schema } from "effect"
import { type Condensed, type DeviceId, quarterHourMs, type Range } from "../../domain/index.ts"
import { isoOf } from "./Columns.ts"
import { millisOf } from "./Facts.ts"
import { parseQuarters, quarterList } from "./QuarterHourLists.ts"

/**
 * What `condense` of the domain makes of stored quarter-hours, so that those of years need not leave the database.
 * $1 the device; $2 where its pieces begin, in order; $3 where they end. The highest quarter-hour is the largest of
 * pairs, its start negative, so that of equals the first is.
 */
const select = `
with pieces as materialized (
  select piece, from_ts, to_ts from unnest($2::timestamptz[], $3::timestamptz[]) with ordinality as cut (from_ts, to_ts, piece)
), bounds as materialized (
  select min(from_ts) as from_ts, max(to_ts) as to_ts from pieces
), sums as materialized (
  select width_bucket(start, $2::timestamptz[]) as piece, count(*) as n, min(start) as start,
    bool_and(eligible) as eligible,
    sum(energy_import_wh)::bigint as import_wh, sum(energy_export_wh)::bigint as export_wh, sum(span_ms) as span_ms,
    sum(round(coverage * ${quarterHourMs}))::bigint as covered_ms, max(max_power_w) as max_power_w,
    max(array[energy_import_wh, -${millisOf("start")}]) filter (where eligible) as highest
  from p1_quarter_hours
  where device_id = $1 and start >= (select from_ts from bounds) and start < (select to_ts from bounds)
  group by 1
), judged as (
  select *, lag(is_full) over k and lead(is_full) over k as between_full
  from (
    select pieces.*, n, start, eligible, import_wh, export_wh, span_ms, covered_ms, max_power_w, highest,
      coalesce(n * interval '${quarterHourMs} milliseconds' = to_ts - from_ts, false) as is_full
    from pieces left join sums using (piece)
  ) counted
  window k as (order by piece)
), decided as materialized (
  select *, is_full and coalesce(between_full, false)
    and (eligible or not exists (select from p1_imported_quarter_hours where device_id = $1)) as is_stretch
  from judged
), stored as (
  (select * from p1_quarter_hours where device_id = $1 and start < (select from_ts from bounds) order by start desc limit 1)
  union all
  select each.* from decided cross join lateral (
    select * from p1_quarter_hours where device_id = $1 and start >= from_ts and start < to_ts
  ) each where not is_stretch and n > 0
  union all
  (select * from p1_quarter_hours where device_id = $1 and start >= (select to_ts from bounds) order by start limit 1)
)
select (${quarterList("stored")}) as quarters,
  (select coalesce(jsonb_agg(jsonb_build_object(
     'startMs', ${millisOf("start")}, 'endMs', ${millisOf("start")} + n * ${quarterHourMs},
     'energyImportWh', import_wh, 'energyExportWh', export_wh, 'spanMs', span_ms, 'coveredMs', covered_ms,
     'maxPowerW', max_power_w,
     'highest', case when highest is not null
       then jsonb_build_object('startMs', -highest[2], 'energyImportWh', highest[1]) end) order by piece), '[]')
   from decided where is_stretch) as stretches`

const Row = Schema.Tuple(
  Schema.Struct({
    quarters: Schema.String,
    stretches: Schema.Array(
      Schema.Struct({
        startMs: Schema.Number,
        endMs: Schema.Number,
        energyImportWh: Schema.Number,
        energyExportWh: Schema.Number,
        spanMs: Schema.Number,
        coveredMs: Schema.Number,
        maxPowerW: Schema.NullOr(Schema.Number),
        highest: Schema.NullOr(Schema.Struct({ startMs: Schema.Number, energyImportWh: Schema.Number })),
      }),
    ),
  }),
)
const decode = Schema.decodeUnknownSync(Row)

/** One statement, so that all of it is of one moment. */
export const condensed = (sql: SqlClient.SqlClient, deviceId: DeviceId, pieces: ReadonlyArray<Range>) =>
  Effect.map(
    sql.unsafe(select, [deviceId, pieces.map(({ fromMs }) => isoOf(fromMs)), pieces.map(({ toMs }) => isoOf(toMs))]),
    (rows): Condensed => {
      const [{ quarters, stretches }] = decode(rows)
      return { stored: parseQuarters(quarters), stretches }
    },
  )
