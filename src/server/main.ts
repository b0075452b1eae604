import { Command } from "@effect/cli"
import { Config, Effect, Layer, Logger, LogLevel, Option, type Redacted } from "effect"
import { CryptoSecrets } from "../infra/crypto/index.ts"
import { noProxies, parseTrustedProxies } from "../infra/http-server/index.ts"
import { MemoryCaches } from "../infra/memory/index.ts"
import { PostgresArchive, PostgresStore } from "../infra/postgres/index.ts"
import { layerLogs, runCommand, Settings } from "../infra/process/index.ts"
import { RedisCaches } from "../infra/redis/index.ts"
import { backup } from "./commands/Backup.ts"
import { devices } from "./commands/Devices.ts"
import { health } from "./commands/Health.ts"
import { restore } from "./commands/Restore.ts"
import { tokens } from "./commands/Tokens.ts"
import * as Database from "./Database.ts"
import { defaultLimits } from "./Limits.ts"
import * as Server from "./Program.ts"

const redisUrl = Settings.address("REDIS_URL", ["redis:", "rediss:"])
const port = Config.withDefault(Settings.port("PORT"), 8080)
const listen = Config.all({ host: Config.withDefault(Config.nonEmptyString("HOST"), "127.0.0.1"), port })
const logs = Settings.logs({ format: "LOG_FORMAT", level: "LOG_LEVEL" })
const database = Config.all({
  url: Settings.address("DATABASE_URL", ["postgres:", "postgresql:"]),
  dataDir: Config.withDefault(Config.nonEmptyString("DATA_DIR"), "./data"),
})

/** The database's address: the one given, or that of one of our own. */
const address = ({ dataDir, url }: Config.Config.Success<typeof database>, embedded: typeof Database.run) =>
  Option.match(url, { onNone: () => embedded(dataDir), onSome: (given) => Effect.succeed(given) })

const store = (settings: Config.Config.Success<typeof database>) =>
  Layer.unwrapScoped(Effect.map(address(settings, Database.run), (url) => PostgresStore.layer({ url })))

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

const serve = Effect.gen(function* () {
  const settings = yield* Config.all({ listen, logs, database, redisUrl, access })
  const ports = Layer.mergeAll(store(settings.database), cache(settings.redisUrl), CryptoSecrets.layer)
  const server = Layer.provide(Server.layer({ ...settings.listen, ...settings.access, portVariable: "PORT" }), ports)
  return yield* Effect.provide(Layer.launch(server), layerLogs(settings.logs))
})

/** Commands print what they are asked for; what they log goes to standard error. */
const quietly = Layer.merge(
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)),
  Logger.minimumLogLevel(LogLevel.Warning),
)

/** The ports that commands work with, for as long as a command runs. */
const reached = Layer.unwrapScoped(
  Effect.gen(function* () {
    const url = yield* address(yield* database, Database.reach)
    return Layer.mergeAll(PostgresStore.layer({ url }), PostgresArchive.layer({ url }), CryptoSecrets.layer)
  }),
).pipe(Layer.provideMerge(quietly))

const run = Command.make("run", {}, () => serve).pipe(Command.withDescription("Start the server"))

const program = Command.make("p1-api", {}, () => serve).pipe(
  Command.withDescription("The server: takes samples in, gives readings out"),
  Command.withSubcommands([
    run,
    health(port),
    Command.provide(devices, reached),
    Command.provide(tokens, reached),
    Command.provide(backup, reached),
    Command.provide(restore, reached),
  ]),
  Command.run({ name: "p1-api", version: "1" }),
)

runCommand(program)
