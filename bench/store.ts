import { NodeRuntime } from "@effect/platform-node"
import { Config, Effect, Layer, Logger, LogLevel, type Redacted } from "effect"
import { PostgresAdmin, PostgresClient, PostgresStore } from "../src/infra/postgres/index.ts"
import { chunks } from "./store/Chunks.ts"
import { fleet } from "./store/Fleet.ts"
import { grow, growth } from "./store/Growth.ts"
import { ingest } from "./store/Ingest.ts"
import { late, repeated } from "./store/Late.ts"
import { memory } from "./store/Memory.ts"
import { reads } from "./store/Reads.ts"
import { database, server } from "./store/Server.ts"
import { sizes } from "./store/Sizes.ts"
import { section } from "./support/Report.ts"

const everything: ReadonlyArray<string> = ["ingest", "fleet", "late", "reads", "growth"]

const settings = Config.all({
  /**
   * What to measure, all of it unless named. `grow` only fills, for figures that are measured later on the same data;
   * `chunks` compares lengths of TimescaleDB's chunks.
   */
  parts: Config.withDefault(Config.array(Config.string(), "BENCH_PARTS"), everything),
  connections: Config.withDefault(Config.array(Config.integer(), "BENCH_CONNECTIONS"), [1, 4]),
  batches: Config.withDefault(Config.array(Config.integer(), "BENCH_BATCHES"), [1, 10, 500, 5_000]),
  /** Millions of rows that the database grows to, one after another. */
  growth: Config.withDefault(Config.array(Config.integer(), "BENCH_GROWTH"), [1, 10]),
})

const on = <A, E, R>(url: Redacted.Redacted, name: string, work: (url: Redacted.Redacted) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const own = yield* database(url, name)
    const options = { url: own, maxConnections: 4, statementTimeout: "30 minutes" } as const
    const ports = Layer.mergeAll(PostgresAdmin.layer(options), PostgresClient.layer(options)).pipe(
      Layer.provideMerge(PostgresStore.layer(options)),
    )
    return yield* Effect.provide(Effect.zipRight(work(own), memory), ports)
  })

const program = Effect.gen(function* () {
  const { batches, connections, growth: steps, parts } = yield* settings
  const { description, timescale, url } = yield* server
  yield* section(`The store on ${description}`)
  const part = <E, R>(name: string, work: Effect.Effect<void, E, R>) => (parts.includes(name) ? work : Effect.void)
  yield* part(
    "ingest",
    on(url, "bench_ingest", (own) => ingest(own, connections, batches)),
  )
  yield* part(
    "fleet",
    on(url, "bench_fleet", () => fleet),
  )
  yield* part(
    "late",
    on(url, "bench_late", () => Effect.zipRight(repeated, late)),
  )
  yield* part(
    "reads",
    on(url, "bench_reads", () => Effect.zipRight(reads(timescale), sizes(timescale))),
  )
  yield* part(
    "growth",
    on(url, "bench_growth", () => growth(steps, timescale)),
  )
  yield* part(
    "chunks",
    Effect.forEach(timescale ? [1, 7, 30] : [], (days) => on(url, `bench_chunks_${days}`, () => chunks(days)), {
      discard: true,
    }),
  )
  yield* part(
    "grow",
    on(url, "bench_growth", () => grow(Math.max(...steps), timescale)),
  )
}).pipe(Effect.scoped, Effect.provide(Logger.minimumLogLevel(LogLevel.Warning)))

NodeRuntime.runMain(program)
