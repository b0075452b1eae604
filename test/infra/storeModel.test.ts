import { expect, layer } from "@effect/vitest"
import { SqlClient, type SqlError } from "@effect/sql"
import { Config, Context, DateTime, Effect, Layer, Option, type Redacted } from "effect"
import { inject } from "vitest"
import { cutRange, type DeviceId, fromEpochMillis, powerCurve } from "../../src/domain/index.ts"
import { Store } from "../../src/domain/ports/index.ts"
import { PostgresClient, PostgresStore, PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { freshDatabase } from "../support/Database.ts"
import { baseMs, batchOf } from "../support/Samples.ts"
import { arbitraryHistory, type Step } from "../support/StoreModel.ts"
import { always, newDevice, quartersByDomain } from "../support/Stores.ts"

const settings = Effect.runSync(
  Config.all({
    numRuns: Config.withDefault(Config.integer("P1_MODEL_RUNS"), 25),
    seed: Config.withDefault(Config.integer("P1_MODEL_SEED"), 20_260_329),
  }),
)
const timeout = 60_000 + settings.numRuns * 3_000
const isThere = /with TimescaleDB/.test(inject("ranOn"))
const ever = fromEpochMillis(always.toMs - 1)

/** Two processes on one database. */
class Lanes extends Context.Tag("test/Lanes")<
  Lanes,
  { readonly url: Redacted.Redacted; readonly stores: readonly [typeof Store.Service, typeof Store.Service] }
>() {}

const setUp = Layer.unwrapScoped(
  Effect.map(freshDatabase, (url) => {
    const one = PostgresStore.layer({ url, maxConnections: 4 })
    const lanes = Layer.scoped(
      Lanes,
      Effect.gen(function* () {
        const other = yield* Layer.build(Layer.fresh(one))
        return { url, stores: [yield* Store, Context.get(other, Store)] as const }
      }),
    )
    return Layer.provideMerge(lanes, Layer.provideMerge(PostgresClient.layer({ url, maxConnections: 4 }), one))
  }),
)

type Event = Effect.Effect<void, SqlError.SqlError, Lanes | SqlClient.SqlClient>

const onlyWithTimescale = (event: Event): Event => (isThere ? event : Effect.void)

/** Compressing a chunk again ends where somebody writes into it; the job then does so at its next run. */
const givesWay = ({ cause }: SqlError.SqlError): boolean =>
  cause instanceof Error && /aborting recompression due to concurrent DML/.test(cause.message)

/** What may happen to the database between batches. After `refresh` all that comes is late. */
const events: Record<Step["before"], Event> = {
  nothing: Effect.void,
  compress: onlyWithTimescale(
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      sql`select compress_chunk(chunk, if_not_compressed => true) from show_chunks('p1_samples') chunk`.pipe(
        Effect.asVoid,
        Effect.catchIf(givesWay, () => Effect.void),
      ),
    ),
  ),
  refresh: onlyWithTimescale(PostgresUpkeep.refresh({ fromMs: -Infinity, toMs: Infinity })),
}
const refreshLate = onlyWithTimescale(PostgresUpkeep.refreshLate)

const hours = cutRange({ fromMs: baseMs, toMs: baseMs + 2 * 86_400_000 }, "hour", DateTime.zoneUnsafeMakeNamed("UTC"))

const stateOf = (store: typeof Store.Service, deviceId: DeviceId) =>
  Effect.all({
    samples: store.samples(deviceId, always),
    quarters: store.quarterHours(deviceId, always),
    condensed: store.condensed(deviceId, hours),
    minutes: store.powerCurve(deviceId, always, "minute"),
    hours: store.powerCurve(deviceId, always, "hour"),
    february: store.reportedPeak(deviceId, "2026-02"),
    march: store.reportedPeak(deviceId, "2026-03"),
    latest: Effect.map(
      store.latest(deviceId, ever),
      Option.map(({ revision: _, ...latest }) => latest),
    ),
  })

layer(setUp, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
  it.effect.prop(
    `whatever the batches, the database is as if it had seen their samples in order (${settings.numRuns} histories)`,
    [arbitraryHistory],
    ([{ groups, run }]) =>
      Effect.gen(function* () {
        const { stores } = yield* Lanes
        const inOrder = yield* newDevice
        const delivered = yield* newDevice
        yield* stores[0].ingest(inOrder, batchOf(run))
        const counts = yield* Effect.forEach(groups, (group) =>
          Effect.forEach(
            group,
            ({ before, lane, places }) =>
              Effect.zipRight(
                events[before],
                stores[lane].ingest(delivered, batchOf(places.flatMap((place) => run[place] ?? []))),
              ),
            { concurrency: "unbounded" },
          ),
        )
        expect(counts.flat().reduce((sum, { inserted }) => sum + inserted, 0)).toBe(run.length)
        expect(counts.flat().every(({ conflicts, expired }) => conflicts === 0 && expired.length === 0)).toBe(true)
        yield* refreshLate
        const state = yield* stateOf(stores[1], delivered)
        expect(state).toEqual(yield* stateOf(stores[0], inOrder))
        expect(state.quarters).toEqual(quartersByDomain(run))
        expect(state.minutes).toEqual(powerCurve(run, "minute"))
        expect(state.hours).toEqual(powerCurve(run, "hour"))
      }),
    { timeout, fastCheck: settings },
  )
})
