import { NodeRuntime } from "@effect/platform-node"
import { Config, Effect, Layer, Logger, LogLevel, type Redacted } from "effect"
import { PostgresAdmin, PostgresClient, PostgresStore } from "../src/infra/postgres/index.ts"
import { growth } from "./store/Growth.ts"
import { ingest } from "./store/Ingest.ts"
import { reads } from "./store/Reads.ts"
import { database, server } from "./store/Server.ts"
import { sizes } from "./store/Sizes.ts"
import { section } from "./support/Report.ts"

const settings = Config.all({
  connections: Config.withDefault(Config.array(Config.integer(), "BENCH_CONNECTIONS"), [1, 4]),
  batches: Config.withDefault(Config.array(Config.integer(), "BENCH_BATCHES"), [1, 10, 500, 5_000]),
  /** Millions of rows that the database grows to, one after another. */
  growth: Config.withDefault(Config.array(Config.integer(), "BENCH_GROWTH"), [1, 10]),
})

const on = <A, E, R>(
  url: Redacted.Redacted,
  name: string,
  connections: number,
  work: (url: Redacted.Redacted) => Effect.Effect<A, E, R>,
) =>
  Effect.gen(function* () {
    const own = yield* database(url, name)
    const options = { url: own, maxConnections: connections, statementTimeout: "10 minutes" } as const
    const ports = Layer.mergeAll(PostgresAdmin.layer(options), PostgresClient.layer(options)).pipe(
      Layer.provideMerge(PostgresStore.layer(options)),
    )
    return yield* Effect.provide(work(own), ports)
  })

const program = Effect.gen(function* () {
  const chosen = yield* settings
  const { description, timescale, url } = yield* server
  yield* section(`The store on ${description}`)
  yield* on(url, "bench_ingest", 4, (own) => ingest(own, chosen.connections, chosen.batches))
  yield* on(url, "bench_reads", 4, () => Effect.zipRight(reads, sizes(timescale)))
  yield* on(url, "bench_growth", 4, () => growth(chosen.growth))
}).pipe(Effect.scoped, Effect.provide(Logger.minimumLogLevel(LogLevel.Warning)))

NodeRuntime.runMain(program)
