import { SqlClient } from "@effect/sql"
import { Clock, Effect, Schema } from "effect"
import { fromEpochMillis, quarterHourMs } from "../../src/domain/index.ts"
import { Store, StoreAdmin } from "../../src/domain/ports/index.ts"
import { PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { medianOf } from "../support/Median.ts"
import { line, section } from "../support/Report.ts"
import * as Bare from "./Bare.ts"
import { addDevice, dayMs } from "./Devices.ts"
import { fill, fillQuarters } from "./Fill.ts"
import { batch, samplesFrom } from "./Household.ts"
import { median, rate } from "./Measure.ts"
import { capacityYear, monthOfQuarters, seriesYear } from "./Questions.ts"

/** Four devices at 1 Hz from the turn of the year on: a hundred millions are nine and a half months of them. */
const devices = [0, 1, 2, 3].map((n) => `grown-${n}`)
const firstMs = Date.UTC(2026, 0, 1)
const million = 1_000_000
const stepSeconds = million / devices.length
const endOf = (millions: number): number => firstMs + millions * stepSeconds * 1000
const size = 500
const times = 25

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

const rounds = 3

/**
 * Rows a second from an instant on, batch by batch, of a device that the store holds and, in turns with it, of a bare
 * insert of the same rows into a table; the median of several. `newer`: what the device has before.
 */
const stored = (what: string, table: string, fromMs: number, newer: ReadonlyArray<number> = []) =>
  Effect.gen(function* () {
    const store = yield* Store
    const sql = yield* SqlClient.SqlClient
    const beginMs = yield* Clock.currentTimeMillis
    const one = (n: number) =>
      Effect.gen(function* () {
        const [ours, bare] = [`figures-${beginMs}-${n}`, `bare-${beginMs}-${n}`]
        yield* addDevice(ours)
        yield* Effect.forEach(newer, (atMs) => store.ingest(ours, batch(atMs, 1, 1000)))
        const at = (round: number) => fromMs + round * size * 1000
        return {
          bare: yield* rate(1, (_, round) => Bare.unnest(sql, bare, samplesFrom(at(round), size, 1000), table)),
          ours: yield* rate(1, (_, round) => Effect.as(store.ingest(ours, batch(at(round), size, 1000)), size)),
        }
      })
    const rates = yield* Effect.forEach([...Array(rounds).keys()], one)
    yield* line({
      name: what,
      value: medianOf(rates.map(({ ours }) => ours)),
      unit: "rows/s",
      limit: { value: medianOf(rates.map(({ bare }) => bare)), of: `bare unnest into ${table}` },
    })
  })

const bareLatest = (deviceId: string, endMs: number) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.unsafe("select * from p1_samples where device_id = $1 and ts > $2::timestamptz order by ts desc limit 1", [
      deviceId,
      new Date(endMs - dayMs).toISOString(),
    ]),
  )

const figures = (millions: number, timescale: boolean) =>
  Effect.gen(function* () {
    const store = yield* Store
    const sql = yield* SqlClient.SqlClient
    const name = (what: string) => `${millions} million rows, ${what}`
    const end = endOf(millions)
    const now = fromEpochMillis(end)
    const yesterday = { fromMs: end - 2 * dayMs, toMs: end - dayMs }
    const ms = (what: string, value: number) => line({ name: name(what), value, unit: "ms" })
    const bareMs = yield* median(times, bareLatest("grown-0", end))
    yield* line({
      name: name("latest sample"),
      value: yield* median(times, store.latest("grown-0", now)),
      unit: "ms",
      limit: { value: bareMs, of: "the bare row" },
    })
    yield* ms("the first month of quarter-hours", yield* median(times, monthOfQuarters("grown-0", firstMs)))
    yield* ms("year by month", yield* median(times, seriesYear("grown-0", "2026-06-01")))
    yield* ms("12-month capacity", yield* median(times, capacityYear("grown-0", end)))
    yield* ms("a day's power curve", yield* median(times, store.powerCurve("grown-0", yesterday, "minute")))
    yield* sql.unsafe("drop table if exists bare_samples")
    yield* Bare.makeTable(sql)
    yield* stored(name(`batches of ${size}`), "bare_samples", end)
    if (timescale) yield* compressBefore(firstMs + 7 * dayMs)
    yield* stored(name(`late batches of ${size}`), "p1_samples", firstMs, [end])
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
