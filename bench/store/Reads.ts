import { SqlClient } from "@effect/sql"
import { DateTime, Effect } from "effect"
import {
  cutRange,
  expandQuarterHours,
  foldSeries,
  fromEpochMillis,
  rangeOfFrame,
  rangeOfMonth,
} from "../../src/domain/index.ts"
import { Registry, Store, StoreAdmin } from "../../src/domain/ports/index.ts"
import { line, section } from "../support/Report.ts"
import { median } from "./Measure.ts"

const zone = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const beganMs = Date.UTC(2026, 8, 1)
const times = 15

const addDevice = (deviceId: string) =>
  Effect.flatMap(Registry, (registry) => registry.addDevice({ deviceId, name: deviceId, zone: "Europe/Brussels" }))

const iso = (ms: number) => new Date(ms).toISOString()

/** Samples at 1 Hz made in the database; their quarter-hours come with the repair that follows. */
export const fill = (deviceId: string, fromMs: number, seconds: number) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.unsafe(
      `insert into p1_samples (device_id, ts, power_w, energy_import_kwh, energy_export_kwh, energy_import_t1_kwh,
         energy_import_t2_kwh, tariff, power_l1_w, power_l2_w, power_l3_w, voltage_l1_v, voltage_l2_v, voltage_l3_v,
         received_at, meter_stamp, ts_source)
       select $1, at, 300 + (n % 2500 * 7919) % 2500, floor(n / 3.0) / 1000, 1234.567, floor(n / 6.0) / 1000,
         floor(n / 6.0) / 1000, 1, 100 + n % 800, 100 + n % 700, 100 + n % 600, 230 + (n % 30) / 10.0,
         231 + (n % 20) / 10.0, 229 + (n % 10) / 10.0, at + interval '0.3 s', '261103170000W', 'meter'
       from generate_series(0, $3 - 1) n, lateral (select $2::timestamptz + n * interval '1 second' as at) as instant
       on conflict do nothing`,
      [deviceId, iso(fromMs), seconds],
    ),
  )

/** Ten years of quarter-hours, copied from one that the store made. */
const fillQuarters = (deviceId: string, template: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.unsafe(
      `insert into p1_quarter_hours
       select made.* from generate_series(0, 350639) n,
         lateral (select timestamptz '2016-09-30' + n * interval '15 minutes' as at) instant,
         lateral jsonb_populate_record(
           (select q from p1_quarter_hours q where device_id = $2 order by start offset 1 limit 1),
           jsonb_build_object('device_id', $1::text, 'start', at,
             'first_ts', at, 'last_ts', at + interval '899 s',
             'first_import_kwh', n * 0.3, 'last_import_kwh', n * 0.3 + 0.299,
             'start_import_wh', n * 300, 'end_import_wh', (n + 1) * 300, 'energy_import_wh', 300)) made
       on conflict do nothing`,
      [deviceId, template],
    ),
  )

/** Everything that reads, on a month at 1 Hz and ten years of quarter-hours. */
export const reads = Effect.gen(function* () {
  const store = yield* Store
  const admin = yield* StoreAdmin
  const sql = yield* SqlClient.SqlClient
  yield* addDevice("month")
  yield* addDevice("decade")
  yield* fill("month", beganMs, 30 * 86_400)
  yield* fill("decade", Date.UTC(2026, 8, 30), 3_600)
  yield* admin.recompute("month", { fromMs: beganMs, toMs: beganMs + 30 * 86_400_000 })
  yield* admin.recompute("decade", { fromMs: Date.UTC(2026, 8, 30), toMs: Date.UTC(2026, 9, 1) })
  yield* fillQuarters("decade", "decade")
  yield* sql.unsafe("analyze")

  yield* section("Reading: a month at 1 Hz, ten years of quarter-hours")
  const now = fromEpochMillis(beganMs + 30 * 86_400_000)
  const bareLatest = yield* median(
    times,
    sql`select * from p1_samples where device_id = 'month' and ts > ${iso(beganMs + 29 * 86_400_000)}::timestamptz
        order by ts desc limit 1`,
  )
  yield* line({
    name: "latest sample, its quarter-hour, the last minute",
    value: yield* median(times, store.latest("month", now)),
    unit: "ms",
    limit: { value: bareLatest, of: "the bare row" },
    target: "≤ 1 ms",
  })
  const monthRange = rangeOfMonth("2026-05", zone)
  yield* line({
    name: "a month of quarter-hours",
    value: yield* median(times, store.quarterHours("decade", monthRange)),
    unit: "ms",
    target: "≤ 10 ms",
  })
  const year = rangeOfFrame("year", "2025-06-01", zone)
  yield* line({
    name: "a year by month",
    value: yield* median(
      times,
      Effect.map(store.quarterHours("decade", year), (stored) =>
        foldSeries(expandQuarterHours(stored, year.fromMs, year.toMs), cutRange(year, "month", zone)),
      ),
    ),
    unit: "ms",
    target: "≤ 50 ms",
  })
  const day = { fromMs: beganMs + 10 * 86_400_000, toMs: beganMs + 11 * 86_400_000 }
  yield* line({
    name: "a day's power curve by minute",
    value: yield* median(times, store.powerCurve("month", day, "minute")),
    unit: "ms",
  })
})
