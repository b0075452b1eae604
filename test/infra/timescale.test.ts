import { expect, it } from "@effect/vitest"
import { Effect, type Redacted } from "effect"
import { inject } from "vitest"
import { powerCurve } from "../../src/domain/index.ts"
import { Registry, Store, StoreAdmin } from "../../src/domain/ports/index.ts"
import { PostgresAdmin, PostgresClient, PostgresStore, PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { freshDatabase } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { baseMs, batchOf } from "../support/Samples.ts"
import { always, everySecond, quartersByDomain } from "../support/Stores.ts"

const isThere = /with TimescaleDB/.test(inject("ranOn"))
const deviceId = "home"

const use = <A, E>(
  options: PostgresStore.Options,
  run: (store: typeof Store.Service, registry: typeof Registry.Service) => Effect.Effect<A, E>,
) =>
  Effect.flatMap(Effect.all([Store, Registry]), ([store, registry]) => run(store, registry)).pipe(
    Effect.provide(PostgresStore.layer(options)),
  )

const description = (options: PostgresStore.Options) => use(options, (store) => Effect.succeed(store.description))
const migrate = (url: Redacted.Redacted) =>
  Effect.flatMap(StoreAdmin, (admin) => admin.migrate).pipe(Effect.provide(PostgresAdmin.layer({ url })))

/** Which of these there are depends on the server. */
if (isThere) {
  it.scopedLive("a new database has TimescaleDB unless it must not", () =>
    Effect.gen(function* () {
      expect(yield* description({ url: yield* freshDatabase })).toMatch(/, with TimescaleDB \d/)
      expect(yield* description({ url: yield* freshDatabase, timescale: "required" })).toMatch(/, with TimescaleDB \d/)
      const url = yield* freshDatabase
      expect(yield* description({ url, timescale: "off" })).toMatch(/, TimescaleDB not used$/)
      const kinds = yield* runSql(
        url,
        "select relkind from pg_class where relname in ('p1_samples', 'p1_power_minutes')",
      )
      expect(kinds.map(({ relkind }) => relkind).sort()).toEqual(["r", "v"])
    }),
  )

  it.scopedLive("a plain database with samples is moved when it is told to, and says the same after", () =>
    Effect.gen(function* () {
      const url = yield* freshDatabase
      const run = [...everySecond(baseMs, 4_000), ...everySecond(baseMs + 20 * 86_400_000, 500)]
      yield* use({ url, timescale: "off" }, (store, registry) =>
        Effect.zipRight(
          registry.addDevice({ deviceId, name: "Home", zone: "Europe/Brussels" }),
          store.ingest(deviceId, batchOf(run)),
        ),
      )
      expect(yield* description({ url })).toMatch(/TimescaleDB not used/)
      const refused = yield* Effect.flip(description({ url, timescale: "required" }))
      expect(refused.message).toContain("p1-api migrate")
      expect(yield* migrate(url)).toMatch(/, with TimescaleDB/)
      expect(yield* migrate(url)).toMatch(/, with TimescaleDB/)
      yield* use({ url }, (store) =>
        Effect.gen(function* () {
          expect(yield* store.samples(deviceId, always)).toEqual(run)
          expect(yield* store.quarterHours(deviceId, always)).toEqual(quartersByDomain(run))
          expect(yield* store.powerCurve(deviceId, always, "minute")).toEqual(powerCurve(run, "minute"))
          expect(yield* store.powerCurve(deviceId, always, "hour")).toEqual(powerCurve(run, "hour"))
        }),
      )
      const [kept] = yield* runSql(
        url,
        `select (select count(*) from show_chunks('p1_samples'))::int as chunks,
              (select count(*) from timescaledb_information.jobs where proc_name like 'policy%'
                 and hypertable_schema is not null)::int as policies`,
      )
      expect(kept).toEqual({ chunks: 2, policies: 3 })
    }),
  )

  it.scopedLive("refreshes of the power curves that come at once follow each other", () =>
    Effect.gen(function* () {
      const url = yield* freshDatabase
      const run = everySecond(baseMs, 20_000)
      yield* use({ url }, (store, registry) =>
        Effect.gen(function* () {
          yield* registry.addDevice({ deviceId, name: "Home", zone: "Europe/Brussels" })
          yield* store.ingest(deviceId, batchOf(run))
          const refreshed = PostgresUpkeep.refresh({ fromMs: -Infinity, toMs: Infinity })
          yield* Effect.all([refreshed, refreshed, refreshed, refreshed], { concurrency: "unbounded" }).pipe(
            Effect.provide(PostgresClient.layer({ url, maxConnections: 4 })),
          )
          expect(yield* store.powerCurve(deviceId, always, "minute")).toEqual(powerCurve(run, "minute"))
        }),
      )
    }),
  )
} else {
  it.scopedLive("TimescaleDB that is required and not there is a sentence", () =>
    Effect.gen(function* () {
      const url = yield* freshDatabase
      expect(yield* description({ url })).toMatch(/, without TimescaleDB$/)
      const error = yield* Effect.flip(description({ url, timescale: "required" }))
      expect(error.message).toMatch(/^TimescaleDB is required but cannot be used: the server does not/)
      expect(yield* migrate(url)).toMatch(/, without TimescaleDB$/)
    }),
  )
}

it.scopedLive("a view that was lost is made again", () =>
  Effect.gen(function* () {
    const url = yield* freshDatabase
    yield* description({ url })
    const view = isThere ? "materialized view" : "view"
    yield* runSql(url, `drop ${view} p1_power_hours`, "delete from p1_routines")
    yield* use({ url }, (store) => Effect.map(store.powerCurve(deviceId, always, "hour"), (points) => points.length))
    expect((yield* runSql(url, "select to_regclass('p1_power_hours') is not null as there"))[0]?.["there"]).toBe(true)
  }),
)
