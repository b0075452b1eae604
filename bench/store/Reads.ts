import { SqlClient } from "@effect/sql"
import { Clock, Effect } from "effect"
import { fromEpochMillis, quarterStartMs } from "../../src/domain/index.ts"
import { Store, StoreAdmin } from "../../src/domain/ports/index.ts"
import { PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { line, section } from "../support/Report.ts"
import { addDevice, beganMs, dayMs } from "./Devices.ts"
import { fill, fillQuarters } from "./Fill.ts"
import { median } from "./Measure.ts"
import { capacityYear, monthOfQuarters, seriesYear } from "./Questions.ts"

const times = 50
/** Of what takes a millisecond: with fewer the program would not have warmed up. */
const timesOfLatest = 500
const decadeMs = Date.UTC(2016, 8, 30)
const iso = (ms: number) => new Date(ms).toISOString()

/** Everything that reads, on the last month at 1 Hz and ten years of quarter-hours. */
export const reads = (timescale: boolean) =>
  Effect.gen(function* () {
    const store = yield* Store
    const admin = yield* StoreAdmin
    const sql = yield* SqlClient.SqlClient
    yield* addDevice("month")
    yield* addDevice("decade")
    const endMs = quarterStartMs(yield* Clock.currentTimeMillis)
    const monthMs = endMs - 30 * dayMs
    yield* fill("month", monthMs, 30 * 86_400)
    yield* admin.recompute("month", { fromMs: monthMs, toMs: endMs })
    yield* fillQuarters("decade", decadeMs, decadeMs, beganMs)
    if (timescale) yield* PostgresUpkeep.refresh({ fromMs: -Infinity, toMs: Infinity })
    yield* sql.unsafe("vacuum analyze")

    yield* section("Reading: a month at 1 Hz, ten years of quarter-hours")
    const now = fromEpochMillis(endMs)
    const bareLatest = yield* median(
      timesOfLatest,
      sql`select * from p1_samples where device_id = 'month' and ts > ${iso(endMs - dayMs)}::timestamptz
        order by ts desc limit 1`,
    )
    yield* line({
      name: "latest sample, its quarter-hour, the last minute",
      value: yield* median(timesOfLatest, store.latest("month", now)),
      unit: "ms",
      limit: { value: bareLatest, of: "the bare row" },
      target: "≤ 1 ms",
    })
    yield* line({
      name: "a month of quarter-hours",
      value: yield* median(times, monthOfQuarters("decade", Date.UTC(2026, 4, 15))),
      unit: "ms",
      target: "≤ 10 ms",
    })
    yield* line({
      name: "a year by month",
      value: yield* median(times, seriesYear("decade", "2025-06-01")),
      unit: "ms",
      target: "≤ 50 ms",
    })
    yield* line({
      name: "12-month capacity",
      value: yield* median(times, capacityYear("decade", Date.UTC(2026, 7, 15))),
      unit: "ms",
      target: "≤ 20 ms",
    })
    const day = { fromMs: monthMs + 10 * dayMs, toMs: monthMs + 11 * dayMs }
    yield* line({
      name: "a day's power curve by minute",
      value: yield* median(times, store.powerCurve("month", day, "minute")),
      unit: "ms",
    })
  })
