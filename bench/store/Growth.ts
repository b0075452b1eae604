import { SqlClient } from "@effect/sql"
import { Clock, Effect, Schema } from "effect"
import { fromEpochMillis, quarterHourMs } from "../../src/domain/index.ts"
import { Store, StoreAdmin } from "../../src/domain/ports/index.ts"
import { PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { line, section } from "../support/Report.ts"
import { addDevice, dayMs } from "./Devices.ts"
import { fill, fillQuarters } from "./Fill.ts"
import { batch } from "./Household.ts"
import { median, rate } from "./Measure.ts"
import { capacityYear, monthOfQuarters, seriesYear } from "./Questions.ts"

/** Four devices at 1 Hz from the turn of the year on: a hundred millions are nine and a half months of them. */
const devices = [0, 1, 2, 3].map((n) => `grown-${n}`)
const firstMs = Date.UTC(2026, 0, 1)
const million = 1_000_000
const stepSeconds = million / devices.length
const endOf = (millions: number): number => firstMs + millions * stepSeconds * 1000
const size = 500

const Counted = Schema.Tuple(Schema.Struct({ seconds: Schema.Number }))

const grownMillions = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe(
    `select coalesce(date_part('epoch', (select last_ts from p1_quarter_hours where device_id = $1 order by start desc limit 1)
       - $2::timestamptz), 0)::float8 as seconds`,
    [devices[0], new Date(firstMs).toISOString()],
  )
  const [{ seconds }] = yield* Effect.orDie(Schema.decodeUnknown(Counted)(rows))
  return Math.round(seconds / stepSeconds)
})

const compressBefore = (ms: number) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.unsafe(
      `select compress_chunk(chunk, if_not_compressed => true)
       from show_chunks('p1_samples', older_than => $1::timestamptz) chunk`,
      [new Date(ms).toISOString()],
    ),
  )

/** A million rows more, what is derived with them; what is older than a week is compressed where it can be. */
const growOnce = (n: number, timescale: boolean) =>
  Effect.gen(function* () {
    for (const deviceId of devices) {
      yield* fill(deviceId, endOf(n), stepSeconds, n * stepSeconds)
      yield* fillQuarters(deviceId, firstMs, endOf(n), endOf(n + 1))
    }
    if (!timescale) return
    yield* PostgresUpkeep.refresh({ fromMs: endOf(n), toMs: endOf(n + 1) })
    yield* compressBefore(endOf(n) - 7 * dayMs)
  })

/** Fills up to so many millions of rows, from where it stands. */
export const grow = (millions: number, timescale: boolean) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const admin = yield* StoreAdmin
    yield* Effect.forEach(devices, addDevice)
    for (let n = yield* grownMillions; n < millions; n++) yield* growOnce(n, timescale)
    const last = { fromMs: endOf(millions) - 4 * quarterHourMs, toMs: endOf(millions) }
    yield* Effect.forEach(devices, (deviceId) => admin.recompute(deviceId, last))
    yield* sql.unsafe("vacuum analyze")
  })

/** Rows a second that a device of its own stores, batch by batch, from an instant on; `newer`: what it has before. */
const stored = (fromMs: number, newer: ReadonlyArray<number> = []) =>
  Effect.gen(function* () {
    const store = yield* Store
    const deviceId = `figures-${yield* Clock.currentTimeMillis}`
    yield* addDevice(deviceId)
    yield* Effect.forEach(newer, (atMs) => store.ingest(deviceId, batch(atMs, 1, 1000)))
    return yield* rate(1, (_, round) =>
      Effect.as(store.ingest(deviceId, batch(fromMs + round * size * 1000, size, 1000)), size),
    )
  })

const figures = (millions: number, timescale: boolean) =>
  Effect.gen(function* () {
    const store = yield* Store
    const name = (what: string) => `${what}, ${millions} million rows`
    const end = endOf(millions)
    yield* line({ name: name(`batches of ${size}`), value: yield* stored(end), unit: "rows/s" })
    const ms = (what: string, value: number) => line({ name: name(`  ${what}`), value, unit: "ms" })
    const now = fromEpochMillis(end)
    const yesterday = { fromMs: end - 2 * dayMs, toMs: end - dayMs }
    yield* ms("latest sample", yield* median(15, store.latest("grown-0", now)))
    yield* ms("month of quarter-hours", yield* median(15, monthOfQuarters("grown-0", now.epochMillis)))
    yield* ms("year by month", yield* median(15, seriesYear("grown-0", "2026-06-01")))
    yield* ms("12-month capacity", yield* median(15, capacityYear("grown-0", now.epochMillis)))
    yield* ms("a day's power curve", yield* median(15, store.powerCurve("grown-0", yesterday, "minute")))
    if (timescale) yield* compressBefore(end + 7 * dayMs)
    yield* line({ name: name(`  late, into compressed chunks`), value: yield* stored(firstMs, [end]), unit: "rows/s" })
  })

/** The same figures at growing sizes. */
export const growth = (steps: ReadonlyArray<number>, timescale: boolean) =>
  Effect.gen(function* () {
    yield* section("Growth: the figures stay")
    for (const millions of steps) {
      yield* grow(millions, timescale)
      yield* figures(millions, timescale)
    }
  })
