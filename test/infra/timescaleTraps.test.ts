import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Redacted } from "effect"
import { inject } from "vitest"
import { powerCurve, type Sample } from "../../src/domain/index.ts"
import { Registry, Store } from "../../src/domain/ports/index.ts"
import { EmbeddedPostgres } from "../../src/infra/embedded-postgres/index.ts"
import { PostgresClient, PostgresStore, PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { freshDatabase, freshDatabaseOn } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { baseMs, batchOf, sampleAt } from "../support/Samples.ts"
import { always, everySecond } from "../support/Stores.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { isThere, keptIn } from "../support/Timescale.ts"

/*
 * What TimescaleDB does unless one knows better, measured on 2.28: each trap is held shut here, or by a test that its
 * name says.
 */

const binDir = inject("postgresBinDir")
const deviceId = "home"
const minuteMs = 60_000
const dayMs = 86_400_000

const addDevice = (id: string) =>
  Effect.flatMap(Registry, (registry) => registry.addDevice({ deviceId: id, name: id, zone: "Europe/Brussels" }))

/** A database with a device, and who may run anything on it. */
const setUp = (options: Partial<PostgresStore.Options> = {}) =>
  Effect.gen(function* () {
    const url = options.url ?? (yield* freshDatabase)
    const context = yield* Layer.build(
      Layer.merge(PostgresClient.layer({ url, maxConnections: 4 }), PostgresStore.layer({ url, ...options })),
    )
    yield* Effect.provide(addDevice(deviceId), context)
    return { url, context, store: yield* Effect.provide(Store, context) }
  })

const everything = PostgresUpkeep.refresh({ fromMs: -Infinity, toMs: Infinity })
const onlyWithTimescale = <E>(effect: Effect.Effect<void, E>) => (isThere ? effect : Effect.void)
const curvesAreOf = (store: typeof Store.Service, run: ReadonlyArray<Sample>) =>
  Effect.gen(function* () {
    expect(yield* store.powerCurve(deviceId, always, "minute")).toEqual(powerCurve(run, "minute"))
    expect(yield* store.powerCurve(deviceId, always, "hour")).toEqual(powerCurve(run, "hour"))
  })

const description = (options: PostgresStore.Options) =>
  Effect.map(Store, ({ description }) => description).pipe(Effect.provide(PostgresStore.layer(options)))

it.scopedLive("a batch that spans many chunks is in the curves to the last row", () =>
  Effect.gen(function* () {
    const { context, store } = yield* setUp()
    const backlog = Array.from({ length: 457 }, (_, i) => sampleAt(baseMs + i * 90 * minuteMs, { powerW: i }))
    const newest = sampleAt(baseMs + 40 * dayMs)
    yield* store.ingest(deviceId, batchOf([newest]))
    yield* onlyWithTimescale(Effect.provide(everything, context))
    yield* store.ingest(deviceId, batchOf(backlog))
    yield* onlyWithTimescale(Effect.provide(PostgresUpkeep.refreshLate, context))
    yield* curvesAreOf(store, [...backlog, newest])
  }),
)

it.scopedLive("what comes after a refresh of everything is seen at once", () =>
  Effect.gen(function* () {
    const { context, store } = yield* setUp()
    const startMs = Math.floor(Date.now() / minuteMs) * minuteMs - 20 * minuteMs
    const run = Array.from({ length: 21 }, (_, i) => sampleAt(startMs + i * minuteMs, { powerW: i }))
    yield* store.ingest(deviceId, batchOf(run.slice(0, 20)))
    yield* onlyWithTimescale(Effect.provide(everything, context))
    yield* store.ingest(deviceId, batchOf(run.slice(20)))
    yield* curvesAreOf(store, run)
  }),
)

if (isThere) {
  it.scopedLive(
    "a server that has the extension and does not load it, or may not use all of it, is a plain one",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const onServer = <A, E>(
          settings: Record<string, string>,
          test: (server: Redacted.Redacted) => Effect.Effect<A, E, never>,
        ) =>
          EmbeddedPostgres.start({
            dataDir: join(folder, "postgres"),
            sharedDir: join(folder, "shared"),
            binDir,
            settings: { fsync: "off", ...settings },
          }).pipe(
            Effect.flatMap(({ url }) => test(url)),
            Effect.scoped,
          )
        const refusal = (url: Redacted.Redacted) =>
          Effect.map(Effect.flip(description({ url, timescale: "required" })), ({ message }) => message)
        const plain = (server: Redacted.Redacted, why: RegExp) =>
          Effect.gen(function* () {
            const url = yield* freshDatabaseOn(server)
            expect(yield* description({ url })).toMatch(/, without TimescaleDB$/)
            expect(yield* refusal(url)).toMatch(why)
          }).pipe(Effect.scoped)
        const named = (server: Redacted.Redacted) =>
          Redacted.make(Redacted.value(server).replace(/\/postgres$/, "/kept"))

        const preloaded = { shared_preload_libraries: "timescaledb", "timescaledb.telemetry_level": "off" }
        yield* onServer(preloaded, (server) =>
          Effect.gen(function* () {
            yield* runSql(server, "create database kept")
            expect(yield* description({ url: named(server) })).toMatch(/, with TimescaleDB/)
          }),
        )
        yield* onServer({}, (server) =>
          Effect.gen(function* () {
            yield* plain(server, /cannot be used: the server does not preload it/)
            const { message } = yield* Effect.flip(description({ url: named(server) }))
            expect(message).toMatch(/has the TimescaleDB extension, but the server does not preload it/)
          }),
        )
        yield* onServer({ ...preloaded, "timescaledb.license": "apache" }, (server) =>
          plain(server, /cannot be used: the server runs it under the Apache licence/),
        )
      }),
    60_000,
  )

  it.scopedLive(
    "jobs that the server does not run are run, and one that says it failed is believed to have worked",
    () =>
      Effect.gen(function* () {
        const { context, store, url } = yield* setUp()
        const runOverdue = Effect.provide(PostgresUpkeep.runOverdue, context).pipe(
          Logger.withMinimumLogLevel(LogLevel.None),
        )
        const compressed = Effect.map(
          runSql(url, "select count(*)::int as n from timescaledb_information.chunks where is_compressed"),
          ([row]) => row?.["n"],
        )
        const began = (at: string) =>
          runSql(
            url,
            "delete from _timescaledb_internal.bgw_job_stat",
            `insert into _timescaledb_internal.bgw_job_stat
             (job_id, last_start, last_finish, next_start, last_successful_finish, last_run_success, total_runs,
              total_duration, total_duration_failures, total_successes, total_failures, total_crashes,
              consecutive_failures, consecutive_crashes, flags)
           select job_id, ${at}, ${at}, ${at}, '-infinity', false, 9, '9 s', '9 s', 0, 9, 0, 9, 0, 0
           from timescaledb_information.jobs where hypertable_schema is not null`,
          )
        yield* store.ingest(deviceId, batchOf(everySecond(baseMs, 1_000)))
        yield* began("now()")
        yield* runOverdue
        expect(yield* compressed).toBe(0)
        yield* began("now() - interval '10 days'")
        yield* runOverdue
        expect(yield* compressed).toBe(1)
      }),
  )

  it.scopedLive("a job that fails stops no other", () =>
    Effect.gen(function* () {
      const { context, url } = yield* setUp()
      yield* runSql(
        url,
        `create table began (job integer)`,
        `create procedure note (job_id integer, config jsonb) language plpgsql as $$
         begin
           insert into began values (job_id);
           if config ->> 'fails' = 'true' then
             commit;
             raise 'failed';
           end if;
         end $$`,
        `update _timescaledb_catalog.bgw_job set proc_schema = 'public', proc_name = 'note', check_schema = null,
           check_name = null, config = jsonb_build_object('fails', proc_name = 'policy_compression')
         where hypertable_id is not null`,
      )
      const failed = yield* Effect.flip(Effect.provide(PostgresUpkeep.runOverdue, context)).pipe(
        Logger.withMinimumLogLevel(LogLevel.None),
      )
      expect(String(failed.cause)).toMatch(/failed/)
      expect(yield* runSql(url, "select count(*)::int as n from began")).toEqual([{ n: 3 }])
    }),
  )

  it.scopedLive("nothing is unpacked of compressed chunks that late rows, repeated ones or a removal touch", () =>
    Effect.gen(function* () {
      const url = yield* freshDatabase
      yield* runSql(
        url,
        `do $$ begin execute format('alter database %I set timescaledb.max_tuples_decompressed_per_dml_transaction = 1',
           current_database()); end $$`,
      )
      const { context, store } = yield* setUp({ url })
      const run = everySecond(baseMs, 4_000)
      const older = run.filter((_, i) => i % 2 === 0 && i < 3_000)
      yield* store.ingest(deviceId, batchOf(older))
      yield* runSql(url, "select compress_chunk(chunk) from show_chunks('p1_samples') chunk")
      expect(yield* store.ingest(deviceId, batchOf(run.slice(3_000)))).toMatchObject({ inserted: 1_000 })
      expect(yield* store.ingest(deviceId, batchOf(run.slice(0, 3_000)))).toMatchObject({
        inserted: 1_500,
        duplicates: 1_500,
        conflicts: 0,
      })
      expect(yield* store.samples(deviceId, always)).toEqual(run)
      yield* runSql(url, "select compress_chunk(chunk) from show_chunks('p1_samples') chunk")
      yield* Effect.flatMap(Registry, (registry) => registry.removeDevice(deviceId)).pipe(Effect.provide(context))
      expect(yield* store.samples(deviceId, always)).toEqual([])
    }),
  )

  it.scopedLive("curves are cut by UTC", () =>
    Effect.gen(function* () {
      const { url } = yield* setUp()
      const buckets = yield* runSql(
        url,
        "select bucket_width, bucket_fixed_width from _timescaledb_catalog.continuous_aggs_bucket_function order by 1",
      )
      expect(buckets).toEqual([
        { bucket_width: "00:01:00", bucket_fixed_width: true },
        { bucket_width: "01:00:00", bucket_fixed_width: true },
      ])
    }),
  )

  it.scopedLive("a refresh is one batch, and finds its rows without an index of all times", () =>
    Effect.gen(function* () {
      const { context, store, url } = yield* setUp()
      yield* store.ingest(deviceId, batchOf(everySecond(baseMs, 5_000)))
      yield* Effect.provide(everything, context)
      const transactions = `select count(distinct xmin::text)::int as n from ${yield* keptIn(url, "p1_power_minutes")}`
      expect(yield* runSql(url, transactions)).toEqual([{ n: 1 }])
      const policies = yield* runSql(
        url,
        `select config ->> 'buckets_per_batch' as batch from timescaledb_information.jobs
         where proc_name = 'policy_refresh_continuous_aggregate'`,
      )
      expect(policies).toEqual([{ batch: "0" }, { batch: "0" }])
      const indexes = yield* runSql(
        url,
        `select amname from pg_index join pg_class c on c.oid = indexrelid join pg_am am on am.oid = c.relam
         where indrelid = 'p1_samples'::regclass order by 1`,
      )
      expect(indexes).toEqual([{ amname: "brin" }, { amname: "btree" }])
    }),
  )
}
