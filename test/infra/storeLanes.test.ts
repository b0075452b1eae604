import { expect, it } from "@effect/vitest"
import { SqlClient } from "@effect/sql"
import { Context, Effect, Fiber, Layer } from "effect"
import type { Sample } from "../../src/domain/index.ts"
import { Store } from "../../src/domain/ports/index.ts"
import { PostgresClient, PostgresStore } from "../../src/infra/postgres/index.ts"
import { Database, layerFreshDatabase } from "../support/Database.ts"
import { baseMs, batchOf } from "../support/Samples.ts"
import { always, everySecond, newDevice, quartersByDomain } from "../support/Stores.ts"

/* Two processes that write of one device at once, held up where each has decided and not yet stored what it decided. */

const processes = Effect.gen(function* () {
  const { url } = yield* Database
  const database = PostgresStore.layer({ url, maxConnections: 2 })
  const one = yield* Layer.build(database)
  const other = Context.get(yield* Layer.build(Layer.fresh(database)), Store)
  const sql = Context.get(yield* Layer.build(PostgresClient.layer({ url, maxConnections: 2 })), SqlClient.SqlClient)
  const deviceId = yield* Effect.provide(newDevice, one)
  return { deviceId, one: Context.get(one, Store), other, sql }
})

const run = everySecond(baseMs, 30)
const within = (from: number, to: number): ReadonlyArray<Sample> => run.slice(from, to)

const waiting = (sql: SqlClient.SqlClient, count: number) =>
  sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.pipe(
    Effect.repeat({ until: (rows) => rows.length === count }),
    Effect.timeout("20 seconds"),
  )

it.scopedLive.each([
  { name: "both find out what is new", known: false },
  { name: "one finds out what is new, one appends to what it knows", known: true },
])("the device's writers wait for each other: $name", ({ known }) =>
  Effect.gen(function* () {
    const { deviceId, one, other, sql } = yield* processes
    yield* (known ? other : one).ingest(deviceId, batchOf(within(10, 11)))
    const held = yield* Effect.makeLatch()
    const release = yield* Effect.makeLatch()
    const holder = yield* sql`select from p1_devices where device_id = ${deviceId} for update`.pipe(
      Effect.zipRight(held.open),
      Effect.zipRight(release.await),
      sql.withTransaction,
      Effect.fork,
    )
    yield* held.await
    const first = yield* Effect.fork(one.ingest(deviceId, batchOf(within(0, 10))))
    yield* waiting(sql, 1)
    const second = yield* Effect.fork(other.ingest(deviceId, batchOf(within(11, 30))))
    yield* waiting(sql, 2)
    yield* release.open
    yield* Fiber.join(holder)
    yield* Effect.all([Fiber.join(first), Fiber.join(second)])
    expect(yield* one.quarterHours(deviceId, always)).toEqual(quartersByDomain(run))
  }).pipe(Effect.provide(layerFreshDatabase)),
)
