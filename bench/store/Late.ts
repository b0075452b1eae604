import { SqlClient } from "@effect/sql"
import { Effect } from "effect"
import { Store } from "../../src/domain/ports/index.ts"
import { line, section } from "../support/Report.ts"
import * as Bare from "./Bare.ts"
import { addDevice, beganMs, dayMs } from "./Devices.ts"
import { batch, samplesFrom } from "./Household.ts"
import { once, rate } from "./Measure.ts"

const wholeMonthMs = 31 * dayMs

/** A batch that is there already, over and over. */
export const repeated = Effect.gen(function* () {
  const store = yield* Store
  const sql = yield* SqlClient.SqlClient
  yield* section("Late, and again")
  yield* Bare.makeTable(sql)
  yield* addDevice("again")
  const rows = batch(beganMs, 5_000, 1000)
  yield* store.ingest("again", rows)
  yield* Bare.unnest(sql, "bare-again", rows.samples)
  const bare = yield* rate(1, () => Bare.unnest(sql, "bare-again", rows.samples))
  const ours = yield* rate(1, () => Effect.as(store.ingest("again", rows), 5_000))
  yield* line({
    name: "all duplicates, batches of 5,000",
    value: ours,
    unit: "rows/s",
    limit: { value: bare, of: "bare unnest, values not compared" },
  })
})

/** A month every 10 s that comes after newer samples: none of it can be appended. */
export const late = Effect.gen(function* () {
  const store = yield* Store
  const sql = yield* SqlClient.SqlClient
  yield* addDevice("late")
  yield* store.ingest("late", batch(beganMs + 2 * wholeMonthMs, 10, 1000))
  const size = 5_000
  const batches = Math.ceil(wholeMonthMs / 10_000 / size)
  const each = <A, E, R>(send: (fromMs: number) => Effect.Effect<A, E, R>) =>
    once(Effect.forEach(Array.from({ length: batches }), (_, i) => send(beganMs + i * size * 10_000)))
  const bare = yield* each((fromMs) => Bare.unnest(sql, "bare-late", samplesFrom(fromMs, size, 10_000)))
  const ours = yield* each((fromMs) => store.ingest("late", batch(fromMs, size, 10_000)))
  yield* line({
    name: "a device-month late, 267,840 rows",
    value: ours / 1000,
    unit: "s",
    limit: { value: bare / 1000, of: "bare insert" },
  })
  yield* line({
    name: "  its 2,976 quarter-hours, beyond the insert",
    value: (ours - bare) / 1000,
    unit: "s",
    target: "≤ 3 s",
  })
})
