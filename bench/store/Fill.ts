import { SqlClient } from "@effect/sql"
import { Effect } from "effect"
import { quarterHourMs } from "../../src/domain/index.ts"

const iso = (ms: number) => new Date(ms).toISOString()

/** Samples at 1 Hz made in the database, the first the `nth` of its device; nothing is derived of them. */
export const fill = (deviceId: string, fromMs: number, seconds: number, nth = 0) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.unsafe(
      `insert into p1_samples (device_id, ts, power_w, energy_import_kwh, energy_export_kwh, energy_import_t1_kwh,
         energy_import_t2_kwh, tariff, power_l1_w, power_l2_w, power_l3_w, voltage_l1_v, voltage_l2_v, voltage_l3_v,
         received_at, meter_stamp, ts_source)
       select $1, at, 300 + (n % 2500 * 7919) % 2500, n / 3 / 1e3::float8, 1234.567, n / 6 / 1e3::float8,
         n / 6 / 1e3::float8, 1, 100 + n % 800, 100 + n % 700, 100 + n % 600, 230 + n % 30 / 10::float8,
         231 + n % 20 / 10::float8, 229 + n % 10 / 10::float8, at + interval '0.3 s',
         to_char(at, 'YYMMDDHH24MISS') || 'W', 'meter'
       from generate_series($4::int, $4::int + $3 - 1) n,
         lateral (select $2::timestamptz + (n - $4::int) * interval '1 second' as at) as instant
       on conflict do nothing`,
      [deviceId, iso(fromMs), seconds, nth],
    ),
  )

/** The quarter-hours of a range as they are of such samples, whose first lies at `firstMs`: 300 Wh each. */
export const fillQuarters = (deviceId: string, firstMs: number, fromMs: number, toMs: number) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.unsafe(
      `insert into p1_quarter_hours (device_id, start, sample_count, first_ts, first_import_kwh, first_export_kwh,
         last_ts, last_import_kwh, last_export_kwh, start_import_wh, end_import_wh, start_export_wh, end_export_wh,
         energy_import_wh, energy_export_wh, low_wh, high_wh, mean_power_w, max_power_w, coverage, span_ms, method,
         eligible)
       select $1, at, 900, at, n * 0.3, 1234.567, at + interval '899 s', n * 0.3 + 0.299, 1234.567,
         n * 300, (n + 1) * 300, 1234567, 1234567, 300, 0, 299, 301, 1549.5, 2799, 1, ${quarterHourMs}, 'register', true
       from generate_series($2::int, $3::int) n,
         lateral (select $4::timestamptz + n * interval '15 minutes' as at) instant
       on conflict do nothing`,
      [
        deviceId,
        Math.floor((fromMs - firstMs) / quarterHourMs),
        Math.floor((toMs - firstMs) / quarterHourMs) - 1,
        iso(firstMs),
      ],
    ),
  )
