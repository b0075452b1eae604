import { SqlClient } from "@effect/sql"
import { Effect } from "effect"
import { fromEpochMillis } from "../../src/domain/index.ts"
import { Store, StoreAdmin } from "../../src/domain/ports/index.ts"
import { PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { line, section } from "../support/Report.ts"
import { addDevice, beganMs, dayMs } from "./Devices.ts"
import { fill } from "./Fill.ts"
import { batch } from "./Household.ts"
import { median, once, rate } from "./Measure.ts"
import { sizes } from "./Sizes.ts"

const daysAtOneHz = 14
const years = 1
const times = 15
const size = 5_000
const iso = (ms: number) => new Date(ms).toISOString()

/** What chunks of a length cost and save where there is a year of them: few are long to write, many are long to plan. */
export const chunks = (days: number) =>
  Effect.gen(function* () {
    const store = yield* Store
    const admin = yield* StoreAdmin
    const sql = yield* SqlClient.SqlClient
    yield* section(`Chunks of ${days} days, ${years} year of them`)
    yield* sql.unsafe(`select set_chunk_time_interval('p1_samples', interval '${days} days')`)
    yield* Effect.forEach(["years", "home", "late"], addDevice)
    yield* sql`insert into p1_samples (device_id, ts, power_w) select 'years', ts, 1 from
      generate_series(${iso(beganMs - years * 365 * dayMs)}::timestamptz, ${iso(beganMs)}, interval '1 day') ts`
    const endMs = beganMs + daysAtOneHz * dayMs
    yield* fill("home", beganMs, daysAtOneHz * 86_400)
    yield* admin.recompute("home", { fromMs: beganMs, toMs: endMs })
    yield* PostgresUpkeep.refresh({ fromMs: -Infinity, toMs: Infinity })
    yield* sql.unsafe("vacuum analyze")

    const day = { fromMs: endMs - 5 * dayMs, toMs: endMs - 4 * dayMs }
    const reading = (name: string, ms: number) => line({ name, value: ms, unit: "ms" })
    yield* reading("latest sample", yield* median(times, store.latest("home", fromEpochMillis(endMs))))
    yield* reading("a day's power curve by minute", yield* median(times, store.powerCurve("home", day, "minute")))
    yield* reading("a day's samples", yield* median(times, store.samples("home", day)))
    yield* line({
      name: "ingest, batches of 5,000",
      value: yield* rate(1, (_, round) =>
        Effect.as(store.ingest("home", batch(endMs + round * size * 1000, size, 1000)), size),
      ),
      unit: "rows/s",
    })
    yield* sizes(true)
    yield* store.ingest("late", batch(endMs + 60 * dayMs, 10, 1000))
    const lateMs = yield* once(
      Effect.forEach(Array.from({ length: (daysAtOneHz * 8_640) / size }), (_, i) =>
        store.ingest("late", batch(beganMs + i * size * 10_000, size, 10_000)),
      ),
    )
    yield* line({ name: "two weeks late into them, 115,000 rows", value: lateMs / 1000, unit: "s" })
    yield* line({ name: "  their power curves", value: (yield* once(PostgresUpkeep.refreshLate)) / 1000, unit: "s" })
  })
