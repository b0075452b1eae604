import { expect, it } from "@effect/vitest"
import { SqlClient } from "@effect/sql"
import { Effect, Fiber, Layer, Random, type Redacted, Schedule } from "effect"
import { powerCurve } from "../../src/domain/index.ts"
import { Registry, Store, StoreAdmin } from "../../src/domain/ports/index.ts"
import { policies } from "../../src/infra/postgres/Hypertable.ts"
import { PostgresAdmin, PostgresClient, PostgresStore, PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { freshDatabase } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { batchOf, sampleAt } from "../support/Samples.ts"
import { always } from "../support/Stores.ts"
import { isThere, keptIn } from "../support/Timescale.ts"

const deviceId = "home"
const dayMs = 86_400_000
/** The start of a chunk: they are cut at multiples of a week since 1970. */
const chunkMs = Math.ceil(Date.UTC(2026, 2, 1) / (7 * dayMs)) * 7 * dayMs
const horizonMs = chunkMs + 8 * dayMs

const at = (minute: number) => sampleAt(chunkMs + minute * 60_000, { powerW: 100 + minute })
const early = [at(0), at(1), at(59), at(60)]
const late = [at(2), at(30), at(61), at(180)]
const recent = sampleAt(horizonMs + dayMs)
const run = [...early, ...late, recent].sort((a, b) => a.ts.epochMillis - b.ts.epochMillis)

/** A database whose kept curves have all but the late samples. */
const setUp = Effect.gen(function* () {
  const url = yield* freshDatabase
  const context = yield* Layer.build(
    Layer.merge(PostgresClient.layer({ url, maxConnections: 4 }), PostgresStore.layer({ url })),
  )
  const store = yield* Effect.provide(Store, context)
  yield* Effect.flatMap(Registry, (registry) =>
    registry.addDevice({ deviceId, name: "Home", zone: "Europe/Brussels" }),
  ).pipe(Effect.provide(context))
  yield* store.ingest(deviceId, batchOf([...early, recent]))
  if (isThere) yield* Effect.provide(PostgresUpkeep.refreshLate, context)
  return { context, store, url }
})

const curvesAreWhole = (store: typeof Store.Service) =>
  Effect.gen(function* () {
    expect(yield* store.powerCurve(deviceId, always, "minute")).toEqual(powerCurve(run, "minute"))
    expect(yield* store.powerCurve(deviceId, always, "hour")).toEqual(powerCurve(run, "hour"))
  })

const chunks = (url: Redacted.Redacted) =>
  Effect.map(runSql(url, "select show_chunks('p1_samples')"), (rows) => rows.length)

/** Until so many wait for a lock. */
const untilWaiting = (url: Redacted.Redacted, count = 1) =>
  runSql(url, "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()").pipe(
    Effect.filterOrFail((rows) => rows.length >= count),
    Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 500 }),
  )

/** Does something while another session has run statements and not yet committed; gives how to let it commit. */
const whileUncommitted = (url: Redacted.Redacted, ...statements: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const begun = yield* Effect.makeLatch()
    const mayCommit = yield* Effect.makeLatch()
    const session = yield* Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* Effect.forEach(statements, (statement) => sql.unsafe(statement))
      yield* begun.open
      yield* mayCommit.await
    }).pipe(
      (work) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(work)),
      Effect.provide(PostgresClient.layer({ url, maxConnections: 1 })),
      Effect.forkScoped,
    )
    yield* Effect.raceFirst(begun.await, Fiber.join(session))
    return Effect.zipRight(mayCommit.open, Fiber.join(session))
  })

const horizonLock = "select pg_advisory_xact_lock_shared(7031901)"
const upkeepLock = "select pg_advisory_xact_lock(7031904)"
const fillLock = "select pg_advisory_xact_lock(7031902)"
const deviceLock = `select pg_advisory_xact_lock(hashtextextended('${deviceId}', 0))`

const recompute = Effect.flatMap(SqlClient.SqlClient, (sql) => PostgresUpkeep.recompute(sql, deviceId, always))

it.scopedLive("what was made of samples that are gone is touched by no recompute, and no check calls it wrong", () =>
  Effect.gen(function* () {
    const { context, store } = yield* setUp
    const quarters = yield* store.quarterHours(deviceId, always)
    yield* Effect.gen(function* () {
      yield* PostgresUpkeep.dropBefore(horizonMs)
      expect(yield* recompute).toMatchObject({ changed: 0 })
      for (const fromMs of [chunkMs, horizonMs, horizonMs + dayMs]) {
        expect(yield* PostgresUpkeep.repairDay(deviceId, { fromMs, toMs: fromMs + dayMs })).toBe(0)
      }
    }).pipe(Effect.provide(context))
    expect(yield* store.quarterHours(deviceId, always)).toEqual(quarters)
  }),
)

it.scopedLive("a recompute waits for who writes to the device", () =>
  Effect.gen(function* () {
    const { context, url } = yield* setUp
    const commit = yield* whileUncommitted(url, deviceLock)
    const recomputed = yield* Effect.fork(Effect.provide(recompute, context))
    yield* untilWaiting(url)
    yield* commit
    expect(yield* Fiber.join(recomputed)).toMatchObject({ changed: 0 })
  }),
)

const addBarn = Effect.flatMap(Registry, (registry) =>
  registry.addDevice({ deviceId: "barn", name: "Barn", zone: "Europe/Brussels" }),
)
const removeDevice = Effect.flatMap(Registry, (registry) => registry.removeDevice(deviceId))

it.scopedLive("a device that is half removed is not looked at, and not called wrong", () =>
  Effect.gen(function* () {
    const { context, store, url } = yield* setUp
    const beyond = sampleAt(chunkMs + 7 * dayMs + 20 * 60_000, { energyImportKwh: 200 })
    yield* store.ingest(deviceId, batchOf([sampleAt(chunkMs + 7 * dayMs - 60_000, { energyImportKwh: 100 }), beyond]))
    const release = yield* whileUncommitted(
      url,
      `select from p1_samples where ts = to_timestamp(${beyond.ts.epochMillis / 1000}) for update`,
    )
    const removed = yield* Effect.fork(Effect.provide(removeDevice, context))
    yield* untilWaiting(url)
    const day = { fromMs: chunkMs + 7 * dayMs, toMs: chunkMs + 8 * dayMs }
    const byChance = Effect.withRandom(PostgresUpkeep.checkDrift, Random.fixed([0]))
    const checked = yield* Effect.all([PostgresUpkeep.repairDay(deviceId, day), byChance], { concurrency: 2 }).pipe(
      Effect.provide(context),
      Effect.fork,
    )
    yield* untilWaiting(url, 3)
    yield* release
    yield* Fiber.join(removed)
    expect(yield* Fiber.join(checked)).toEqual([0, 0])
  }),
)

if (isThere) {
  it.scopedLive("a refresh waits for that of a job", () =>
    Effect.gen(function* () {
      const { context, store, url } = yield* setUp
      yield* store.ingest(deviceId, batchOf(late))
      const underWay = "_timescaledb_catalog.continuous_aggs_jobs_refresh_ranges"
      yield* runSql(
        url,
        `insert into ${underWay} select mat_hypertable_id, 0, ${horizonMs} * 1000, pid, 0, now()
         from _timescaledb_catalog.continuous_agg, pg_stat_activity
         where user_view_name = 'p1_power_minutes' and datname = current_database() and pid <> pg_backend_pid() limit 1`,
      )
      const refreshed = yield* Effect.fork(Effect.provide(PostgresUpkeep.refreshLate, context))
      yield* Effect.sleep("500 millis")
      yield* runSql(url, `delete from ${underWay}`)
      yield* Fiber.join(refreshed)
      yield* curvesAreWhole(store)
    }),
  )

  it.scopedLive("late samples outlive a horizon that was raised before their curves were made", () =>
    Effect.gen(function* () {
      const { context, store, url } = yield* setUp
      yield* store.ingest(deviceId, batchOf(late))
      yield* runSql(url, `update p1_horizon set ts = '${new Date(horizonMs).toISOString()}'`)
      yield* PostgresUpkeep.dropBefore(horizonMs).pipe(Effect.provide(context))
      expect(yield* chunks(url)).toBe(1)
      yield* PostgresUpkeep.refreshLate.pipe(Effect.provide(context))
      yield* curvesAreWhole(store)
    }),
  )

  it.scopedLive("late samples that are being stored when the horizon is raised are in the curves that stay", () =>
    Effect.gen(function* () {
      const { context, store, url } = yield* setUp
      const values = late.map(({ powerW, ts }) => `('${deviceId}', to_timestamp(${ts.epochMillis / 1000}), ${powerW})`)
      const commit = yield* whileUncommitted(
        url,
        horizonLock,
        `insert into p1_samples (device_id, ts, power_w) values ${values.join(", ")}`,
      )
      const dropped = yield* Effect.fork(PostgresUpkeep.dropBefore(horizonMs).pipe(Effect.provide(context)))
      yield* untilWaiting(url)
      yield* commit
      yield* Fiber.join(dropped)
      expect(yield* chunks(url)).toBe(1)
      yield* curvesAreWhole(store)
    }),
  )

  it.scopedLive("a refresh that had to wait does not reach into what was dropped meanwhile", () =>
    Effect.gen(function* () {
      const { context, store, url } = yield* setUp
      yield* store.ingest(deviceId, batchOf([at(2)]))
      const release = yield* whileUncommitted(url, upkeepLock)
      const refreshed = yield* Effect.fork(PostgresUpkeep.refreshLate.pipe(Effect.provide(context)))
      yield* untilWaiting(url)
      yield* runSql(
        url,
        `select drop_chunks('p1_samples', older_than => timestamptz '${new Date(horizonMs).toISOString()}')`,
      )
      yield* release
      yield* Fiber.join(refreshed)
      expect(yield* store.powerCurve(deviceId, always, "minute")).toEqual(powerCurve([...early, recent], "minute"))
    }),
  )

  it.scopedLive("samples are not dropped while a refresh is under way", () =>
    Effect.gen(function* () {
      const { context, url } = yield* setUp
      const release = yield* whileUncommitted(url, upkeepLock)
      const dropped = yield* Effect.fork(PostgresUpkeep.dropBefore(horizonMs).pipe(Effect.provide(context)))
      yield* untilWaiting(url)
      expect(yield* chunks(url)).toBe(2)
      yield* release
      yield* Fiber.join(dropped)
      expect(yield* chunks(url)).toBe(1)
    }),
  )

  it.scopedLive("who fills the curves of a moved database waits for another who does, and makes no second jobs", () =>
    Effect.gen(function* () {
      const { url } = yield* setUp
      yield* runSql(
        url,
        "select remove_continuous_aggregate_policy(name) from unnest(array['p1_power_minutes', 'p1_power_hours']) name",
        "call remove_columnstore_policy('p1_samples')",
      )
      const commit = yield* whileUncommitted(url, fillLock, ...policies)
      const filled = yield* Effect.flatMap(StoreAdmin, (admin) => admin.migrate).pipe(
        Effect.provide(PostgresAdmin.layer({ url })),
        Effect.fork,
      )
      yield* untilWaiting(url)
      yield* commit
      yield* Fiber.join(filled)
      const jobs = "select proc_name from timescaledb_information.jobs where hypertable_schema is not null"
      expect(yield* runSql(url, jobs)).toHaveLength(policies.length)
    }),
  )

  it.scopedLive("where all samples are gone, the curves stay", () =>
    Effect.gen(function* () {
      const { context, store, url } = yield* setUp
      const [all, later] = [[...early, recent], horizonMs + 30 * dayMs]
      yield* PostgresUpkeep.dropBefore(later).pipe(Effect.provide(context))
      expect(yield* chunks(url)).toBe(0)
      yield* PostgresUpkeep.refresh({ fromMs: -Infinity, toMs: Infinity }).pipe(Effect.provide(context))
      expect(yield* store.powerCurve(deviceId, always, "minute")).toEqual(powerCurve(all, "minute"))
    }),
  )

  it.scopedLive("a late sample on the hour that nothing follows is in the curves", () =>
    Effect.gen(function* () {
      const { context, store } = yield* setUp
      yield* Effect.provide(addBarn, context)
      for (const minute of [0, 60]) {
        yield* store.ingest("barn", batchOf([at(minute)]))
        yield* Effect.provide(PostgresUpkeep.refreshLate, context)
      }
      expect(yield* store.powerCurve("barn", always, "minute")).toEqual(powerCurve([at(0), at(60)], "minute"))
    }),
  )

  it.scopedLive("a removed device leaves nothing in the curves, also where its samples were dropped", () =>
    Effect.gen(function* () {
      const { context, store } = yield* setUp
      yield* Effect.gen(function* () {
        yield* addBarn
        yield* store.ingest("barn", batchOf(early))
        yield* PostgresUpkeep.refreshLate
        yield* PostgresUpkeep.dropBefore(horizonMs)
        yield* removeDevice
      }).pipe(Effect.provide(context))
      for (const bucket of ["minute", "hour"] as const) {
        expect(yield* store.powerCurve(deviceId, always, bucket)).toEqual([])
        expect(yield* store.powerCurve("barn", always, bucket)).toEqual(powerCurve(early, bucket))
      }
    }),
  )

  it.scopedLive("a removed device is not left in the curves by a job that has read its samples", () =>
    Effect.gen(function* () {
      const { context, store, url } = yield* setUp
      const name = yield* keptIn(url, "p1_power_minutes")
      yield* runSql(url, `create table read as select * from ${name}`, `delete from ${name}`)
      const finish = yield* whileUncommitted(url, `insert into ${name} select * from read`)
      const removed = yield* Effect.fork(Effect.provide(removeDevice, context))
      yield* untilWaiting(url)
      yield* finish
      yield* Fiber.join(removed)
      expect(yield* store.powerCurve(deviceId, always, "minute")).toEqual([])
    }),
  )
} else {
  it.scopedLive("curves that samples went from are another revision's", () =>
    Effect.gen(function* () {
      const { context, store } = yield* setUp
      const before = yield* store.revision(deviceId)
      yield* PostgresUpkeep.dropBefore(chunkMs + dayMs).pipe(Effect.provide(context))
      expect(yield* store.revision(deviceId)).toBe(before)
      yield* PostgresUpkeep.dropBefore(horizonMs).pipe(Effect.provide(context))
      expect(yield* store.revision(deviceId)).toBe(before + 1)
      expect(yield* store.powerCurve(deviceId, always, "minute")).toEqual(powerCurve([recent], "minute"))
    }),
  )
}
