import { Command } from "@effect/cli"
import { Config, Effect, Layer, Logger, LogLevel, Option, type Redacted, Schema } from "effect"
import { CryptoSecrets } from "../infra/crypto/index.ts"
import { InternetClient } from "../infra/http-client/index.ts"
import { noProxies, parseTrustedProxies } from "../infra/http-server/index.ts"
import { MemoryCaches } from "../infra/memory/index.ts"
import { PostgresAdmin, PostgresArchive, PostgresMaintenance, PostgresStore } from "../infra/postgres/index.ts"
import { doctor, layerLogs, layerTraces, provideCheck, runCommand, Settings } from "../infra/process/index.ts"
import { RedisCaches } from "../infra/redis/index.ts"
import * as TariffFile from "../infra/tariff-file/index.ts"
import {
  cacheCheck,
  databaseCheck,
  devicesCheck,
  diskCheck,
  publicNameCheck,
  tokensCheck,
  upkeepCheck,
} from "./Checks.ts"
import { backup } from "./commands/Backup.ts"
import { db } from "./commands/DbStatus.ts"
import { devices } from "./commands/Devices.ts"
import { health } from "./commands/Health.ts"
import { importFile } from "./commands/Import.ts"
import { migrate } from "./commands/Migrate.ts"
import { peaks } from "./commands/Peaks.ts"
import { recompute } from "./commands/Recompute.ts"
import { restore } from "./commands/Restore.ts"
import { tokens } from "./commands/Tokens.ts"
import * as Database from "./Database.ts"
import { defaultLimits } from "./Limits.ts"
import * as Server from "./Program.ts"
import { service, version } from "./Version.ts"

const redisUrl = Settings.address("REDIS_URL", ["redis:", "rediss:"])
const port = Config.withDefault(Settings.port("PORT"), 8080)
const listen = Config.all({ host: Config.withDefault(Config.nonEmptyString("HOST"), "127.0.0.1"), port })
const metrics = Config.option(Settings.port("METRICS_PORT")).pipe(
  Config.zipWith(Config.withDefault(Config.nonEmptyString("METRICS_HOST"), "127.0.0.1"), (port, host) =>
    Option.map(port, (given) => ({ host, port: given, portVariable: "METRICS_PORT" })),
  ),
)
const endpoint = Settings.address("OTEL_EXPORTER_OTLP_ENDPOINT", ["http:", "https:"])
const tariffsFile = Config.option(Config.nonEmptyString("TARIFFS_FILE"))
const logs = Settings.logs({ format: "LOG_FORMAT", level: "LOG_LEVEL" })
const database = Config.all({
  url: Settings.address("DATABASE_URL", ["postgres:", "postgresql:"]),
  dataDir: Config.withDefault(Config.nonEmptyString("DATA_DIR"), "./data"),
  timescale: Config.withDefault(Config.literal("required", "off", "auto")("TIMESCALE"), "auto" as const),
  retention: Settings.retention("RETENTION"),
  maintenance: Config.withDefault(Config.boolean("MAINTENANCE"), true),
})

type DatabaseSettings = Config.Config.Success<typeof database>

const options = ({ dataDir, timescale, url }: DatabaseSettings, embedded: typeof Database.run) =>
  Effect.map(
    Option.match(url, { onNone: () => embedded(dataDir), onSome: (given) => Effect.succeed(given) }),
    (address) => ({ url: address, timescale }),
  )

/** The store, and beside it what keeps its database in order, unless another process does that. */
const store = (settings: DatabaseSettings) =>
  Layer.unwrapScoped(
    Effect.map(options(settings, Database.run), (given) => {
      const maintenance = PostgresMaintenance.layer({ ...given, retention: Option.getOrUndefined(settings.retention) })
      return Layer.provideMerge(settings.maintenance ? maintenance : Layer.empty, PostgresStore.layer(given))
    }),
  )

const cache = Option.match({
  onNone: () => MemoryCaches.layer,
  onSome: (url: Redacted.Redacted) => RedisCaches.layer({ url }),
})

const access = Config.all({
  trustedProxies: Config.withDefault(Settings.parsed("TRUSTED_PROXIES", parseTrustedProxies), noProxies),
  corsOrigins: Settings.origins("CORS_ORIGINS"),
  limits: Config.map(
    Config.withDefault(Config.integer("REQUESTS_PER_TOKEN"), defaultLimits.requestsPerToken.points),
    (points) => ({ ...defaultLimits, requestsPerToken: { ...defaultLimits.requestsPerToken, points } }),
  ),
})

const tariffs = Option.match({ onNone: () => Layer.empty, onSome: TariffFile.layer })

const serve = Effect.gen(function* () {
  const settings = yield* Config.all({ listen, logs, database, redisUrl, access, metrics, endpoint, tariffsFile })
  const ports = Layer.mergeAll(
    store(settings.database),
    cache(settings.redisUrl),
    CryptoSecrets.layer,
    tariffs(settings.tariffsFile),
  )
  const options = { ...settings.listen, ...settings.access, portVariable: "PORT", metrics: settings.metrics }
  const observed = Layer.merge(layerLogs(settings.logs), layerTraces({ endpoint: settings.endpoint, service, version }))
  return yield* Layer.launch(Layer.provide(Server.layer(options), ports)).pipe(Effect.provide(observed))
})

/** Commands print what they are asked for; what they log goes to standard error. */
const quietly = Layer.merge(
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)),
  Logger.minimumLogLevel(LogLevel.Warning),
)

/** What commands work with, for as long as a command runs, on a database that they reach. */
const reach = <A, E>(ports: (options: PostgresStore.Options) => Layer.Layer<A, E>) =>
  Layer.unwrapScoped(Effect.flatMap(database, (settings) => Effect.map(options(settings, Database.reach), ports))).pipe(
    Layer.provideMerge(quietly),
  )

const reached = reach((options) =>
  Layer.mergeAll(PostgresStore.layer(options), PostgresArchive.layer(options), CryptoSecrets.layer),
)
const reachedToRepair = reach((options) => Layer.merge(PostgresStore.layer(options), PostgresAdmin.layer(options)))
/** A database as it is: none of its tables are made or changed before the command does so. */
const reachedAsItIs = reach(PostgresAdmin.layer)

const publicUrl = Config.option(Schema.Config("PUBLIC_URL", Schema.URL))

const checks = Effect.gen(function* () {
  const settings = yield* Config.all({ database, publicUrl, redisUrl })
  const ports = yield* Layer.memoize(reachedToRepair)
  return [
    provideCheck(databaseCheck, ports),
    provideCheck(upkeepCheck, ports),
    ...Option.match(settings.database.url, { onNone: () => [diskCheck(settings.database.dataDir)], onSome: () => [] }),
    provideCheck(cacheCheck, cache(settings.redisUrl)),
    provideCheck(tokensCheck, ports),
    provideCheck(devicesCheck, ports),
    ...Option.match(settings.publicUrl, {
      onNone: () => [],
      onSome: (url) => [provideCheck(publicNameCheck(url), InternetClient.layer)],
    }),
  ]
})

const maintain = Command.make("maintain", {}, () =>
  Effect.gen(function* () {
    const settings = yield* Config.all({ database, logs })
    const keeper = store({ ...settings.database, maintenance: true })
    const began = Effect.logInfo("The database is kept in order")
    return yield* Layer.launch(Layer.tap(keeper, () => began)).pipe(Effect.provide(layerLogs(settings.logs)))
  }),
).pipe(
  Command.withDescription("Keep the database in order, as its owner, beside servers that run with MAINTENANCE=off"),
)

const run = Command.make("run", {}, () => serve).pipe(Command.withDescription("Start the server"))

const program = Command.make("p1-api", {}, () => serve).pipe(
  Command.withDescription("The server: takes samples in, gives readings out"),
  Command.withSubcommands([
    run,
    maintain,
    health(port),
    Command.provide(devices, reached),
    Command.provide(tokens, reached),
    Command.provide(peaks, reached),
    Command.provide(importFile, reached),
    Command.provide(backup, reached),
    Command.provide(restore, reached),
    Command.provide(migrate, reachedAsItIs),
    Command.provide(recompute, reachedToRepair),
    Command.provide(db, reachedAsItIs),
    Command.provide(
      doctor("Check the database, the cache, the tokens, the devices and the public name", checks),
      quietly,
    ),
  ]),
  Command.run({ name: service, version }),
)

runCommand(program)
