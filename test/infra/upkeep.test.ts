import { expect, it } from "@effect/vitest"
import { Effect, Layer, Option, Schedule, type Redacted } from "effect"
import { powerCurve } from "../../src/domain/index.ts"
import { Registry, Store, StoreAdmin } from "../../src/domain/ports/index.ts"
import {
  PostgresAdmin,
  PostgresClient,
  PostgresMaintenance,
  PostgresStore,
  PostgresUpkeep,
} from "../../src/infra/postgres/index.ts"
import { freshDatabase } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { baseMs, batchOf } from "../support/Samples.ts"
import { always, everySecond } from "../support/Stores.ts"
import { isThere, keptIn } from "../support/Timescale.ts"

const deviceId = "home"

const addHome = Effect.flatMap(Registry, (registry) =>
  registry.addDevice({ deviceId, name: "Home", zone: "Europe/Brussels" }),
)
const holders = (url: Redacted.Redacted) =>
  Effect.map(
    runSql(url, "select count(*)::int as n from pg_locks where locktype = 'advisory' and objid = 7031903 and granted"),
    ([row]) => row?.["n"],
  )
const soon = Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 100 })

it.scopedLive(
  "of two processes one keeps the database in order, and the other takes over",
  () =>
    Effect.gen(function* () {
      const url = yield* freshDatabase
      yield* Layer.build(PostgresStore.layer({ url }))
      const worker = Layer.fresh(PostgresMaintenance.layer({ url, refreshEvery: "200 millis" }))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Layer.build(worker)
          yield* soon(Effect.filterOrFail(holders(url), (n) => n === 1))
          yield* Layer.build(worker)
          yield* Effect.sleep("500 millis")
          expect(yield* holders(url)).toBe(1)
        }),
      )
      expect(yield* holders(url)).toBe(0)
      yield* Layer.build(worker)
      yield* soon(Effect.filterOrFail(holders(url), (n) => n === 1))
    }),
  60_000,
)

it.scopedLive("the database's state can be told, and its quarter-hours decided again", () =>
  Effect.gen(function* () {
    const url = yield* freshDatabase
    const client = PostgresClient.layer({ url, maxConnections: 1 })
    const context = yield* Layer.build(
      Layer.merge(client, Layer.provideMerge(PostgresAdmin.layer({ url }), PostgresStore.layer({ url }))),
    )
    yield* Effect.gen(function* () {
      const [store, admin] = [yield* Store, yield* StoreAdmin]
      expect(yield* admin.status).toMatchObject({ devices: 0, lateRanges: 0 })
      yield* addHome
      yield* store.ingest(deviceId, batchOf(everySecond(baseMs, 2_000)))
      const status = yield* admin.status
      expect(status).toMatchObject({ devices: 1, horizon: null, lateRanges: isThere ? 3 : 0 })
      expect(status.samples.chunks?.all ?? 1).toBe(1)
      expect(status.jobs).toHaveLength(isThere ? 3 : 0)
      expect(status.curvesKeptUntil).toBeNull()
      if (isThere) {
        yield* PostgresUpkeep.catchUp
        expect((yield* admin.status).curvesKeptUntil).not.toBeNull()
      }
      yield* runSql(url, "update p1_quarter_hours set energy_import_wh = 0")
      expect(yield* admin.recompute(deviceId, always)).toEqual({ quarterHours: 3, changed: 3 })
      expect(yield* admin.recompute(deviceId, always)).toEqual({ quarterHours: 3, changed: 0 })
    }).pipe(Effect.provide(context))
  }),
)

if (isThere) {
  it.scopedLive(
    "late samples are in the power curves soon, and nothing is lost that no job has aggregated",
    () =>
      Effect.gen(function* () {
        const url = yield* freshDatabase
        const context = yield* Layer.build(
          Layer.provideMerge(PostgresClient.layer({ url, maxConnections: 2 }), PostgresStore.layer({ url })),
        )
        yield* Effect.gen(function* () {
          const store = yield* Store
          yield* addHome
          const run = everySecond(baseMs, 9_000)
          const minutes = store.powerCurve(deviceId, always, "minute")
          yield* store.ingest(deviceId, batchOf(run.slice(0, 3_000)))
          yield* store.ingest(deviceId, batchOf(run.slice(7_000)))
          // A job that looks back for hours only: what lies before is hidden by it.
          yield* PostgresUpkeep.refresh({ fromMs: baseMs + 7_200_000, toMs: Infinity })
          yield* store.ingest(deviceId, batchOf(run.slice(3_000, 7_000)))
          expect((yield* minutes).length).toBeLessThan(150)
          yield* Layer.build(PostgresMaintenance.layer({ url, refreshEvery: "200 millis" }))
          yield* soon(Effect.filterOrFail(minutes, (points) => points.length === 150))
          expect(yield* minutes).toEqual(powerCurve(run, "minute"))
          expect(yield* store.powerCurve(deviceId, always, "hour")).toEqual(powerCurve(run, "hour"))
          expect(Option.isSome(yield* store.extent(deviceId))).toBe(true)
        }).pipe(Effect.provide(context))
      }),
    60_000,
  )

  it.scopedLive("hours that were not made when their minutes were are made up for", () =>
    Effect.gen(function* () {
      const url = yield* freshDatabase
      const context = yield* Layer.build(
        Layer.provideMerge(PostgresClient.layer({ url, maxConnections: 2 }), PostgresStore.layer({ url })),
      )
      yield* Effect.gen(function* () {
        const store = yield* Store
        yield* addHome
        const run = [...everySecond(baseMs, 5), ...everySecond(baseMs + 48 * 3_600_000, 5)]
        yield* store.ingest(deviceId, batchOf(run))
        // Stored when they were new, so that nothing calls them late.
        yield* runSql(url, "delete from p1_late_ranges")
        yield* runSql(url, "call refresh_continuous_aggregate('p1_power_minutes', null, '2026-04-01T00:00:00Z')")
        yield* Layer.build(PostgresMaintenance.layer({ url, refreshEvery: "200 millis" }))
        const kept = runSql(url, `select from ${yield* keptIn(url, "p1_power_hours")}`)
        yield* soon(Effect.filterOrFail(kept, (hours) => hours.length === 2))
        // As a policy does it, which looks back for hours only.
        yield* runSql(
          url,
          "call refresh_continuous_aggregate('p1_power_hours', '2026-03-30T20:00:00Z', '2026-03-31T02:00:00Z')",
        )
        expect(yield* store.powerCurve(deviceId, always, "hour")).toEqual(powerCurve(run, "hour"))
      }).pipe(Effect.provide(context))
    }),
  )
}
