import { expect } from "@effect/vitest"
import { SqlClient, type SqlError } from "@effect/sql"
import { Context, DateTime, Effect, Layer, Option, Redacted } from "effect"
import { cutRange, type DeviceId, fromEpochMillis, powerCurve, type Sample } from "../../src/domain/index.ts"
import { type Registry, Store } from "../../src/domain/ports/index.ts"
import { CryptoSecrets } from "../../src/infra/crypto/index.ts"
import { MemoryCaches } from "../../src/infra/memory/index.ts"
import { PostgresClient, PostgresStore, PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { Admin } from "../../src/server/index.ts"
import { call, layerServer, memoryPorts, type Ports, type Running } from "../server/support/server.ts"
import { baseMs, batchOf } from "../support/Samples.ts"
import { makeSkippingClock } from "../support/SkippingClock.ts"
import { type Group, type History, type Step, StoreModel } from "../support/StoreModel.ts"
import { always, newDevice } from "../support/Stores.ts"

const dayMs = 86_400_000
const weekMs = 7 * dayMs
const ever = fromEpochMillis(always.toMs - 1)

type Served = Context.Context<Running | Ports>

/** Two processes that write to one database and one that answers from it and its cache; and one that holds all itself. */
export class Processes extends Context.Tag("test/Processes")<
  Processes,
  {
    readonly hasTimescale: boolean
    readonly lanes: readonly [typeof Store.Service, typeof Store.Service]
    readonly cached: Served
    readonly scratch: Served
    /** Ages what the one that answers believes of the others. */
    readonly age: Effect.Effect<void>
  }
>() {}

export const layerProcesses = (url: Redacted.Redacted) => {
  const database = PostgresStore.layer({ url, maxConnections: 4 })
  const ports = Layer.mergeAll(Layer.orDie(database), CryptoSecrets.layer, MemoryCaches.layer)
  const processes = Layer.scoped(
    Processes,
    Effect.gen(function* () {
      const one = yield* Store
      const other = Context.get(yield* Layer.build(Layer.fresh(database)), Store)
      const { clock, skip } = makeSkippingClock()
      return {
        hasTimescale: one.description.includes("with TimescaleDB"),
        lanes: [one, other] as const,
        cached: yield* Layer.build(layerServer(Layer.fresh(ports))).pipe(Effect.withClock(clock)),
        scratch: yield* Layer.build(layerServer(memoryPorts)),
        age: skip("2 seconds"),
      }
    }),
  )
  return Layer.provideMerge(processes, Layer.provideMerge(PostgresClient.layer({ url, maxConnections: 6 }), database))
}

type Event = Effect.Effect<void, SqlError.SqlError, SqlClient.SqlClient>

const givesWay =
  (why: RegExp) =>
  ({ cause }: SqlError.SqlError): boolean =>
    cause instanceof Error && why.test(cause.message)

/** Two at once, which TimescaleDB's scheduler never runs, would find chunks compressed that they were about to compress. */
const inTurn = Effect.unsafeMakeSemaphore(1).withPermits(1)

/** A chunk that somebody writes into is compressed another time. */
const compressChunks: Event = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql`select compress_chunk(chunk, if_not_compressed => true) from show_chunks('p1_samples') chunk`.pipe(
    Effect.asVoid,
    Effect.catchIf(givesWay(/^aborting recompression due to concurrent DML/), () => Effect.void),
  ),
)
const compress: Event = inTurn(compressChunks)

/** All of TimescaleDB's jobs for our tables, as its scheduler would. One that compresses does not say what hindered it. */
const jobs: Event = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.flatMap(sql`select job_id from timescaledb_information.jobs where hypertable_schema is not null`, (rows) =>
    Effect.forEach(
      rows,
      ({ job_id }) =>
        sql.unsafe(`call run_job(${String(job_id)})`).pipe(
          Effect.asVoid,
          Effect.catchIf(givesWay(/^columnstore policy failure/), () => compressChunks),
          Effect.catchIf(givesWay(/due to a concurrent refresh$/), () => Effect.void),
        ),
      { discard: true },
    ),
  ),
).pipe(inTurn)

/** What may happen beside the batches. After `refresh` all that comes is late. Nothing that is right is ever repaired. */
const events = (hasTimescale: boolean, deviceId: DeviceId): Record<Step["before"], Event> => {
  const onlyWithTimescale = (event: Event): Event => (hasTimescale ? event : Effect.void)
  const day = { fromMs: baseMs - (baseMs % dayMs), toMs: baseMs - (baseMs % dayMs) + dayMs }
  return {
    nothing: Effect.void,
    compress: onlyWithTimescale(compress),
    jobs: onlyWithTimescale(jobs),
    refresh: onlyWithTimescale(PostgresUpkeep.refresh({ fromMs: -Infinity, toMs: Infinity })),
    refreshLate: onlyWithTimescale(PostgresUpkeep.refreshLate),
    repair: Effect.map(PostgresUpkeep.repairDay(deviceId, day), (repaired) => expect(repaired).toBe(0)),
    recompute: Effect.flatMap(SqlClient.SqlClient, (sql) =>
      Effect.map(PostgresUpkeep.recompute(sql, deviceId, always), ({ changed }) => expect(changed).toBe(0)),
    ),
  }
}

const hours = cutRange({ fromMs: baseMs, toMs: baseMs + 2 * dayMs }, "hour", DateTime.zoneUnsafeMakeNamed("UTC"))

/** All that a store says of a device. */
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
      Option.map(({ pastRevision: _, revision: __, ...latest }) => latest),
    ),
  })

const paths = [
  "/v1/series?from=2026-03-29&to=2026-03-31&bucket=minute",
  "/v1/series?from=2026-04-19&to=2026-04-21&bucket=minute",
  "/v1/series?frame=day&at=2026-03-29",
  "/v1/series?frame=month&at=2026-04-19",
  "/v1/quarters?from=2026-03-29&to=2026-04-22",
  "/v1/capacity/month/2026-03",
]

const answers = (served: Served, deviceId: DeviceId, token: string) =>
  Effect.forEach(
    paths,
    (path) => Effect.map(call(path, { token }), ({ status, text }) => [path, status, text.replaceAll(deviceId, "it")]),
    { concurrency: 3 },
  ).pipe(Effect.provide(served))

const readerOf = (served: Served, deviceId: DeviceId) =>
  Effect.map(Effect.provide(Admin.addReadToken([deviceId]), served), Redacted.value)

/** The answers of a process that has all samples in its memory and cached nothing. */
const answersOf = (scratch: Served, samples: ReadonlyArray<Sample>) =>
  Effect.gen(function* () {
    const deviceId = yield* newDevice
    yield* Effect.flatMap(Store, (store) => store.ingest(deviceId, batchOf(samples)))
    return yield* answers(scratch, deviceId, yield* readerOf(scratch, deviceId))
  }).pipe(Effect.provide(scratch))

const points = (samples: ReadonlyArray<Sample>) =>
  samples.map(({ energyImportKwh, powerW, ts }) => [ts.epochMillis, powerW, energyImportKwh])

/** Delivers a history to a device of its own; the database and all answers must be as the model says. */
export const isAsTheModelSays = ({ groups, run }: History) =>
  Effect.gen(function* () {
    const { age, cached, hasTimescale, lanes, scratch } = yield* Processes
    yield* Effect.flatMap(SqlClient.SqlClient, (sql) => sql`update p1_horizon set ts = '-infinity'`)
    const inOrder = yield* newDevice
    const delivered = yield* newDevice
    const token = yield* readerOf(cached, delivered)
    const model = new StoreModel()
    const event = events(hasTimescale, delivered)
    const asked = Effect.zipRight(age, answers(cached, delivered, token))

    const deliver = ({ horizonMs, steps }: Group) =>
      Effect.gen(function* () {
        if (horizonMs !== null) {
          yield* PostgresUpkeep.dropBefore(horizonMs)
          model.raise(horizonMs)
        }
        const batches = steps.map(({ places }) => places.flatMap((place) => run[place] ?? []))
        const counts = yield* Effect.forEach(
          steps,
          ({ before, lane }, i) =>
            Effect.zipRight(event[before], lanes[lane].ingest(delivered, batchOf(batches[i] ?? []))),
          { concurrency: "unbounded" },
        )
        expect(counts.map(({ expired }) => [...expired].sort((a, b) => a - b))).toEqual(
          batches.map((batch) => model.take(batch)),
        )
        return counts
      })

    yield* lanes[0].ingest(inOrder, batchOf(run))
    const counts = yield* Effect.forEach(groups, (group) =>
      Effect.gen(function* () {
        const counts = yield* deliver(group)
        if (!group.quiet || Number.isFinite(model.horizonMs)) return counts
        yield* asked
        yield* event.refreshLate
        const expected = yield* answersOf(scratch, model.samples)
        expect(yield* asked).toEqual(expected)
        expect(yield* asked).toEqual(expected)
        return counts
      }),
    )
    yield* event.refreshLate
    expect(counts.flat().reduce((sum, { inserted }) => sum + inserted, 0)).toBe(model.samples.length)
    expect(counts.flat().every(({ conflicts }) => conflicts === 0)).toBe(true)

    const state = yield* stateOf(lanes[1], delivered)
    const goneMs = model.horizonMs - dayMs
    const oldestMs = hasTimescale ? Math.floor(goneMs / weekMs) * weekMs : goneMs
    const left = model.samples.filter(({ ts }) => ts.epochMillis >= oldestMs)
    expect(points(state.samples)).toEqual(points(left))
    expect(state.quarters).toEqual(model.quarters)
    const inCurves = hasTimescale ? model.samples : left
    expect(state.minutes).toEqual(powerCurve(inCurves, "minute"))
    expect(state.hours).toEqual(powerCurve(inCurves, "hour"))
    if (!Number.isFinite(model.horizonMs)) expect(state).toEqual(yield* stateOf(lanes[0], inOrder))
  })

export type Requirements = Processes | SqlClient.SqlClient | Registry | Store
