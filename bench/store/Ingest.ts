import { SqlClient } from "@effect/sql"
import { Effect, Redacted } from "effect"
import pg from "pg"
import { Registry, Store } from "../../src/domain/ports/index.ts"
import { line, section } from "../support/Report.ts"
import * as Bare from "./Bare.ts"
import { batch, samplesFrom } from "./Household.ts"
import { once, rate } from "./Measure.ts"

const beganMs = Date.UTC(2026, 8, 1)
const wholeMonthMs = 31 * 86_400_000

const addDevice = (deviceId: string) =>
  Effect.flatMap(Registry, (registry) => registry.addDevice({ deviceId, name: deviceId, zone: "Europe/Brussels" }))

/** Batches of a size from as many devices as there are workers, each in order of time, and the same without us. */
const compare = (pool: pg.Pool, connections: number, size: number) =>
  Effect.gen(function* () {
    const store = yield* Store
    const sql = yield* SqlClient.SqlClient
    const name = (worker: number, kind: string) => `${kind}-${connections}-${size}-${worker}`
    yield* Effect.forEach(Array.from({ length: connections }), (_, i) => addDevice(name(i, "ours")))
    const at = (round: number) => beganMs + round * size * 1000
    const bare = yield* rate(connections, (worker, round) =>
      Bare.unnest(sql, name(worker, "bare"), samplesFrom(at(round), size, 1000)),
    )
    const ours = yield* rate(connections, (worker, round) =>
      Effect.as(store.ingest(name(worker, "ours"), batch(at(round), size, 1000)), size),
    )
    const copied = yield* rate(connections, (worker, round) =>
      Bare.copy(pool, name(worker, "copy"), samplesFrom(at(round), size, 1000)),
    )
    const target = size >= 500 ? { target: "≥ 0.6" } : {}
    yield* line({
      name: `batches of ${size}, ${connections} ${connections === 1 ? "connection" : "connections"}`,
      value: ours,
      unit: "rows/s",
      limit: { value: bare, of: "bare unnest … on conflict" },
      ...target,
    })
    yield* line({
      name: "  the same beside COPY",
      value: ours,
      unit: "rows/s",
      limit: { value: copied, of: "COPY" },
    })
  })

/** Many devices send one sample each, over and over, on four connections. */
const interleaved = Effect.gen(function* () {
  const store = yield* Store
  const sql = yield* SqlClient.SqlClient
  const devices = 1_000
  yield* Effect.forEach(Array.from({ length: devices }), (_, i) => addDevice(`fleet-${i}`), { concurrency: 4 })
  const at = (round: number) => beganMs + round * 1000
  const clients = 16
  const bare = yield* rate(clients, (worker, round) =>
    Bare.unnest(
      sql,
      `bare-fleet-${(round * clients + worker) % devices}`,
      samplesFrom(at(Math.floor((round * clients) / devices)), 1, 1000),
    ),
  )
  const send = (worker: number, round: number) =>
    Effect.as(store.ingest(`fleet-${worker}`, batch(at(round), 1, 1000)), 1)
  yield* Effect.forEach(
    Array.from({ length: devices }, (_, i) => i),
    (worker) => send(worker, 0),
    { concurrency: 8 },
  )
  const ours = yield* rate(devices, (worker, round) => send(worker, round + 1))
  yield* line({
    name: "1,000 devices interleaved, batches of 1",
    value: ours,
    unit: "rows/s",
    limit: { value: bare, of: "bare unnest … on conflict" },
  })
})

const repeated = Effect.gen(function* () {
  const store = yield* Store
  const sql = yield* SqlClient.SqlClient
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
const late = Effect.gen(function* () {
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

/** Everything that writes. */
export const ingest = (url: Redacted.Redacted, connections: ReadonlyArray<number>, sizes: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* Bare.makeTable(sql)
    const pool = yield* Effect.acquireRelease(
      Effect.sync(() => new pg.Pool({ connectionString: Redacted.value(url), max: 4 })),
      (open) => Effect.promise(() => open.end()),
    )
    yield* section("Taking samples in")
    for (const count of connections) for (const size of sizes) yield* compare(pool, count, size)
    yield* interleaved
    yield* repeated
    yield* late
  })
