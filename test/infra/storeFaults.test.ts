import { expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Redacted, Schedule } from "effect"
import pg from "pg"
import { fromEpochMillis } from "../../src/domain/index.ts"
import { Registry, Store } from "../../src/domain/ports/index.ts"
import { PostgresStore } from "../../src/infra/postgres/index.ts"
import { layerFreshStore, Database } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { restartablePostgres } from "../support/Restartable.ts"
import { baseMs, batchOf, sampleAt } from "../support/Samples.ts"

const deviceId = "home"
const addHome = Effect.flatMap(Registry, (registry) =>
  registry.addDevice({ deviceId, name: "Home", zone: "Europe/Brussels" }),
)
const always = { fromMs: 0, toMs: Date.UTC(2030, 0) }
const untilItWorks = Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 50 })

/** Holds the table of samples, so that a batch waits inside its transaction. */
const holdSamples = (url: Redacted.Redacted) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const client = new pg.Client({ connectionString: Redacted.value(url) })
      client.on("error", () => undefined)
      await client.connect()
      await client.query("begin")
      await client.query("lock table p1_samples")
      return client
    }),
    (client) => Effect.promise(() => client.end().catch(() => undefined)),
  )

it.scopedLive(
  "a server that goes away is unavailable, not a defect, and what was acknowledged is there when it is back",
  () =>
    Effect.gen(function* () {
      const server = yield* restartablePostgres
      const context = yield* Layer.build(PostgresStore.layer({ url: server.url }))
      yield* Effect.gen(function* () {
        const store = yield* Store
        yield* addHome
        yield* store.ingest(deviceId, batchOf([sampleAt(baseMs)]))
        const batch = batchOf([sampleAt(baseMs + 1000)])
        const holder = yield* holdSamples(server.url)
        const inside = yield* Effect.fork(Effect.flip(store.ingest(deviceId, batch)))
        yield* Effect.sleep("300 millis")
        yield* server.stop
        expect((yield* Fiber.join(inside))._tag).toBe("StoreUnavailable")
        yield* Effect.promise(() => holder.end().catch(() => undefined))

        for (const use of [store.ingest(deviceId, batch), store.latest(deviceId, fromEpochMillis(0)), store.check]) {
          const [duration, error] = yield* Effect.timed(Effect.flip<unknown, unknown, never>(use))
          expect(error).toMatchObject({ _tag: "StoreUnavailable" })
          expect(String(error)).not.toMatch(/select|insert/)
          expect(Duration.toMillis(duration)).toBeLessThan(2_500)
        }
        yield* server.start
        yield* untilItWorks(store.check)
        expect((yield* store.ingest(deviceId, batch)).inserted).toBe(1)
        expect((yield* store.samples(deviceId, always)).length).toBe(2)
      }).pipe(Effect.provide(context))
    }),
  60_000,
)

it.scopedLive("a connection that is cut in the middle of a batch is unavailable, and the next one works", () =>
  Effect.gen(function* () {
    const store = yield* Store
    const { url } = yield* Database
    yield* addHome
    const holder = yield* holdSamples(url)
    const batch = batchOf([sampleAt(baseMs)])
    const inside = yield* Effect.fork(Effect.flip(store.ingest(deviceId, batch)))
    yield* Effect.sleep("300 millis")
    yield* runSql(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'p1-energy' and wait_event_type = 'Lock'`,
    )
    expect((yield* Fiber.join(inside))._tag).toBe("StoreUnavailable")
    yield* Effect.promise(() => holder.end())
    expect((yield* store.ingest(deviceId, batch)).inserted).toBe(1)
  }).pipe(Effect.provide(layerFreshStore)),
)

it.scopedLive("a batch that nothing waits for any more is stored whole or not at all", () =>
  Effect.gen(function* () {
    const store = yield* Store
    yield* addHome
    const batch = batchOf(Array.from({ length: 500 }, (_, i) => sampleAt(baseMs + i * 1000)))
    const fiber = yield* Effect.fork(store.ingest(deviceId, batch))
    yield* Effect.sleep("5 millis")
    yield* Fiber.interrupt(fiber)
    const stored = yield* store.samples(deviceId, always)
    const counted = (yield* store.quarterHours(deviceId, always)).reduce((sum, { sampleCount }) => sum + sampleCount, 0)
    expect([0, 500]).toContain(stored.length)
    expect(counted).toBe(stored.length)
  }).pipe(Effect.provide(layerFreshStore)),
)
