import type { SqlClient } from "@effect/sql"
import { Effect, Schema } from "effect"
import { type Condensed, type DeviceId, quarterHourMs, type Range, type Stretch } from "../../domain/index.ts"
import { isoOf } from "./Columns.ts"
import { day, highestS, highestWh, selectedSums, sumNames } from "./DaySums.ts"
import { millisOf, windowOf } from "./Facts.ts"
import { parseQuarters, quarterList } from "./QuarterHourLists.ts"

const inPiece = "device_id = $1 and start >= from_ts and start < to_ts"

const known = sumNames.map((name) => `coalesce(kept.${name}, counted.${name}) as ${name}`).join(", ")

/**
 * What `condense` of the domain makes of stored quarter-hours, so that those of years need not leave the database.
 * $1 the device; $2 where its pieces begin, in order; $3 where they end. A piece that is a whole day was summed up
 * when it was stored; each other is read by itself: what its rows add up to needs no hashing then, and no sorting.
 */
const select = `
with pieces as materialized (
  select *, ${windowOf(`from_ts + interval '${quarterHourMs - 1} milliseconds'`)} as first_start
  from unnest($2::timestamptz[], $3::timestamptz[]) with ordinality as cut (from_ts, to_ts, piece)
), sums as materialized (
  select pieces.*, ${known}
  from pieces
  left join lateral (
    select * from p1_day_sums where device_id = $1 and start = from_ts and to_ts = from_ts + ${day} limit 1
  ) kept on true
  cross join lateral (select ${selectedSums} from p1_quarter_hours where kept.start is null and ${inPiece}) counted
), full_or_not as (
  select *, quarter_hours * interval '${quarterHourMs} milliseconds' = to_ts - from_ts as is_full from sums
), decided as materialized (
  select *, is_full and coalesce(lag(is_full) over k and lead(is_full) over k, false)
    and (eligible or not exists (select from p1_imported_quarter_hours where device_id = $1)) as is_stretch
  from full_or_not window k as (order by piece)
)
select ${quarterList(
  "p1_quarter_hours where device_id = $1 and start < (select min(from_ts) from pieces) order by start desc limit 1",
  `(select each.* from decided cross join lateral (select * from p1_quarter_hours where ${inPiece}) each
    where not is_stretch and quarter_hours > 0) apart order by start`,
  "p1_quarter_hours where device_id = $1 and start >= (select max(to_ts) from pieces) order by start limit 1",
)} as quarters, (
  select coalesce('[' || string_agg('[' || concat_ws(',',
    ${millisOf("first_start")}, quarter_hours, import_wh, export_wh, span_ms, covered_ms, max_power_w,
    coalesce(${highestWh}::text, 'null'), coalesce(${highestS}::text, 'null')
  ) || ']', ',' order by piece) || ']', '[]')
  from decided where is_stretch) as stretches`

const Row = Schema.Tuple(Schema.Struct({ quarters: Schema.String, stretches: Schema.String }))
const decode = Schema.decodeUnknownSync(Row)

/** A stretch as the statement lists it. */
type Listed = readonly [
  startMs: number,
  count: number,
  energyImportWh: number,
  energyExportWh: number,
  spanMs: number,
  coveredMs: number,
  maxPowerW: number,
  highestWh: number | null,
  highestS: number | null,
]

const stretchOf = (listed: Listed): Stretch => {
  const [startMs, count, energyImportWh, energyExportWh, spanMs, coveredMs, maxPowerW, highestWh, highestS] = listed
  return {
    startMs,
    endMs: startMs + count * quarterHourMs,
    energyImportWh,
    energyExportWh,
    spanMs,
    coveredMs,
    maxPowerW,
    highest: highestWh === null || highestS === null ? null : { startMs: highestS * 1000, energyImportWh: highestWh },
  }
}

/** One statement, so that all of it is of one moment. */
export const condensed = (sql: SqlClient.SqlClient, deviceId: DeviceId, pieces: ReadonlyArray<Range>) =>
  Effect.map(
    sql.unsafe(select, [deviceId, pieces.map(({ fromMs }) => isoOf(fromMs)), pieces.map(({ toMs }) => isoOf(toMs))]),
    (rows): Condensed => {
      const [{ quarters, stretches }] = decode(rows)
      return {
        stored: parseQuarters(quarters),
        stretches: (JSON.parse(stretches) as ReadonlyArray<Listed>).map(stretchOf),
      }
    },
  )
