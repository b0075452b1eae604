import { SqlClient } from "@effect/sql"
import { Effect, Redacted } from "effect"
import pg from "pg"
import { Store } from "../../src/domain/ports/index.ts"
import { line, section } from "../support/Report.ts"
import * as Bare from "./Bare.ts"
import { addDevice, beganMs } from "./Devices.ts"
import { batch, samplesFrom } from "./Household.ts"
import { rate } from "./Measure.ts"

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

/** What it takes that a trigger of the quarter-hours keeps the sums of days: between two runs with it, one without. */
const daySums = (size: number) =>
  Effect.gen(function* () {
    const store = yield* Store
    const sql = yield* SqlClient.SqlClient
    const measured = (device: string) =>
      Effect.zipRight(
        addDevice(device),
        rate(1, (_, round) => Effect.as(store.ingest(device, batch(beganMs + round * size * 1000, size, 1000)), size)),
      )
    const before = yield* measured(`summed-before-${size}`)
    yield* sql`alter table p1_quarter_hours disable trigger user`
    const unsummed = yield* measured(`unsummed-${size}`)
    yield* sql`alter table p1_quarter_hours enable trigger user`
    const after = yield* measured(`summed-after-${size}`)
    yield* line({
      name: `batches of ${size}, days summed up`,
      value: (before + after) / 2,
      unit: "rows/s",
      limit: { value: unsummed, of: "days not summed up" },
    })
  })

/** Batches of every size, from one and from several at once. */
export const ingest = (url: Redacted.Redacted, connections: ReadonlyArray<number>, sizes: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* Bare.makeTable(sql)
    const pool = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const open = new pg.Pool({ connectionString: Redacted.value(url), max: 4 })
        return open.on("error", () => undefined)
      }),
      (open) => Effect.promise(() => open.end()),
    )
    yield* section("Taking samples in")
    for (const count of connections) for (const size of sizes) yield* compare(pool, count, size)
    for (const size of sizes) yield* daySums(size)
  })
