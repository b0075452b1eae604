import { describe, expect, it } from "@effect/vitest"
import { Effect, type Redacted } from "effect"
import { powerCurve } from "../../src/domain/index.ts"
import { Registry, Store, StoreAdmin } from "../../src/domain/ports/index.ts"
import { PostgresAdmin, PostgresClient, PostgresStore, PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { freshDatabase } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { baseMs, batchOf } from "../support/Samples.ts"
import { always, everySecond, quartersByDomain } from "../support/Stores.ts"
import { isThere } from "../support/Timescale.ts"

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
      // Jobs look back for hours: what lies before and was not aggregated is hidden by them.
      yield* runSql(
        url,
        ...["p1_power_minutes", "p1_power_hours"].map(
          (name) => `call refresh_continuous_aggregate('${name}', '2026-04-16T00:00:00Z', '2026-04-20T00:00:00Z')`,
        ),
      )
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

  describe("a compressed chunk", () => {
    const compressed = (
      test: (
        store: typeof Store.Service,
        run: ReturnType<typeof everySecond>,
        url: Redacted.Redacted,
      ) => Effect.Effect<void, unknown>,
    ) =>
      Effect.gen(function* () {
        const url = yield* freshDatabase
        const run = everySecond(baseMs, 2_000)
        yield* use({ url, maxConnections: 4 }, (store, registry) =>
          Effect.gen(function* () {
            yield* registry.addDevice({ deviceId, name: "Home", zone: "Europe/Brussels" })
            yield* store.ingest(deviceId, batchOf(run.filter((_, i) => i % 2 === 0)))
            yield* runSql(url, "select compress_chunk(chunk) from show_chunks('p1_samples') chunk")
            yield* test(store, run, url)
          }),
        )
      })
    const isWhole = (store: typeof Store.Service, run: ReturnType<typeof everySecond>) =>
      Effect.gen(function* () {
        expect(yield* store.samples(deviceId, always)).toEqual(run)
        expect(yield* store.quarterHours(deviceId, always)).toEqual(quartersByDomain(run))
      })

    it.scopedLive("takes late rows between those that it holds", () =>
      compressed((store, run) =>
        Effect.gen(function* () {
          const late = run.filter((_, i) => i % 2 === 1)
          expect(yield* store.ingest(deviceId, batchOf(late))).toMatchObject({ inserted: 1_000, duplicates: 0 })
          yield* isWhole(store, run)
        }),
      ),
    )

    it.scopedLive("knows the rows that it holds, alike and unlike, among new ones", () =>
      compressed((store, run) =>
        Effect.gen(function* () {
          const unlike = run.map((sample, i) => (i === 4 ? { ...sample, powerW: 1 } : sample))
          expect(yield* store.ingest(deviceId, batchOf(unlike))).toMatchObject({
            inserted: 1_000,
            duplicates: 1_000,
            conflicts: 1,
          })
          yield* isWhole(store, run)
        }),
      ),
    )

    it.scopedLive("counts each row once that several processes store at once", () =>
      compressed((store, run, url) =>
        Effect.gen(function* () {
          const send = (one: typeof Store.Service) => one.ingest(deviceId, batchOf(run))
          const counts = yield* use({ url }, (other) =>
            Effect.all([send(store), send(other), send(store), send(other)], { concurrency: "unbounded" }),
          )
          expect(counts.reduce((sum, { inserted }) => sum + inserted, 0)).toBe(1_000)
          expect(counts.every(({ conflicts }) => conflicts === 0)).toBe(true)
          yield* isWhole(store, run)
        }),
      ),
    )

    it.scopedLive("takes a full batch that reaches beyond what it holds", () =>
      compressed((store, run) =>
        Effect.gen(function* () {
          const again = [...run, ...everySecond(baseMs + 2_000_000, 3_000)]
          expect(yield* store.ingest(deviceId, batchOf(again))).toMatchObject({ inserted: 4_000, duplicates: 1_000 })
          yield* isWhole(store, again)
        }),
      ),
    )
  })

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
