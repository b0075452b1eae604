import { Args, Command, Options, ValidationError } from "@effect/cli"
import { NodeContext } from "@effect/platform-node"
import { Config, type ConfigError, Console, Effect, Layer, Logger, LogLevel, Option, Redacted, Schema } from "effect"
import { defaultZone, Device, DeviceId, ZoneName } from "../domain/index.ts"
import type { Registry, Secrets } from "../domain/ports/index.ts"
import { CryptoSecrets } from "../infra/crypto/index.ts"
import { MemoryRealtimeCache } from "../infra/memory/index.ts"
import { PostgresStore } from "../infra/postgres/index.ts"
import { layerLogs, runProgram, Settings, StartupError } from "../infra/process/index.ts"
import { RedisRealtimeCache } from "../infra/redis/index.ts"
import * as Admin from "./Admin.ts"
import * as Database from "./Database.ts"
import { fieldErrors } from "./FieldErrors.ts"
import * as Server from "./Program.ts"

const redisUrl = Settings.address("REDIS_URL", ["redis:", "rediss:"])
const listen = Config.all({
  host: Config.withDefault(Config.nonEmptyString("HOST"), "127.0.0.1"),
  port: Config.withDefault(Settings.port("PORT"), 8080),
})
const logs = Settings.logs({ format: "LOG_FORMAT", level: "LOG_LEVEL" })
const database = Config.all({
  url: Settings.address("DATABASE_URL", ["postgres:", "postgresql:"]),
  dataDir: Config.withDefault(Config.nonEmptyString("DATA_DIR"), "./data"),
})

const store = ({ dataDir, url }: Config.Config.Success<typeof database>, embedded: typeof Database.run) =>
  Layer.unwrapScoped(
    Effect.map(
      Option.match(url, { onNone: () => embedded(dataDir), onSome: (given) => Effect.succeed(given) }),
      (address) => PostgresStore.layer({ url: address }),
    ),
  )

const cache = Option.match({
  onNone: () => MemoryRealtimeCache.layer,
  onSome: (url: Redacted.Redacted) => RedisRealtimeCache.layer({ url }),
})

const serve = Effect.gen(function* () {
  const settings = yield* Config.all({ listen, logs, database, redisUrl })
  const ports = Layer.mergeAll(store(settings.database, Database.run), cache(settings.redisUrl), CryptoSecrets.layer)
  const server = Layer.provide(Server.layer({ ...settings.listen, portVariable: "PORT" }), ports)
  return yield* Effect.provide(Layer.launch(server), layerLogs(settings.logs))
})

/** Commands print what they are asked for; what they log goes to standard error. */
const quietly = Layer.merge(
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)),
  Logger.minimumLogLevel(LogLevel.Warning),
)

const administer = <A, E extends { readonly message: string }>(
  effect: Effect.Effect<A, E, Registry | Secrets>,
): Effect.Effect<A, StartupError | ConfigError.ConfigError, NodeContext.NodeContext> =>
  Effect.flatMap(database, (settings) =>
    effect.pipe(
      Effect.mapError(({ message }) => new StartupError({ message })),
      Effect.provide(
        Layer.merge(store(settings, Database.reach), CryptoSecrets.layer).pipe(Layer.provideMerge(quietly)),
      ),
    ),
  )

/** An argument as its schema has it, or one line that says what is wrong with it. */
const checked = <A, I>(argument: string, schema: Schema.Schema<A, I>, value: I): Effect.Effect<A, StartupError> =>
  Effect.mapError(
    Schema.decode(schema)(value),
    (error) =>
      new StartupError({
        message: `${argument}: ${fieldErrors(error)
          .map(({ message }) => message)
          .join("; ")}.`,
      }),
  )

const json = Options.boolean("json").pipe(Options.withDescription("Print one JSON object"))

const add = Command.make(
  "add",
  {
    name: Args.text({ name: "NAME" }),
    zone: Options.text("zone").pipe(
      Options.withDefault(defaultZone),
      Options.withDescription("The IANA zone of its days and months"),
    ),
    json,
  },
  ({ json, name, zone }) =>
    Effect.gen(function* () {
      const device = {
        name: yield* checked("NAME", Device.fields.name, name),
        zone: yield* checked("--zone", ZoneName, zone),
      }
      const { deviceId, token } = yield* administer(Admin.addDevice(device.name, device.zone))
      yield* Console.log(
        json
          ? JSON.stringify({ device_id: deviceId, token: Redacted.value(token) })
          : `Device ${deviceId}. Its token, shown only now:\n${Redacted.value(token)}`,
      )
    }),
).pipe(Command.withDescription("Add a device and print the token that writes its samples"))

const addToken = Command.make(
  "add",
  {
    first: Options.text("read").pipe(Options.withDescription("A device that it may read; more may follow")),
    others: Args.text({ name: "DEVICE" }).pipe(Args.repeated),
    json,
  },
  ({ first, json, others }) =>
    Effect.gen(function* () {
      const devices = yield* Effect.forEach([first, ...others], (name) => checked("DEVICE", DeviceId, name))
      const token = yield* administer(Admin.addReadToken(devices))
      yield* Console.log(
        json
          ? JSON.stringify({ device_ids: devices, token: Redacted.value(token) })
          : `A read token for ${devices.join(", ")}, shown only now:\n${Redacted.value(token)}`,
      )
    }),
).pipe(Command.withDescription("Add a token that reads devices and print it"))

const run = Command.make("run", {}, () => serve).pipe(Command.withDescription("Start the server"))
const devices = Command.make("devices").pipe(Command.withSubcommands([add]))
const tokens = Command.make("tokens").pipe(Command.withSubcommands([addToken]))

const program = Command.make("p1-api", {}, () => serve).pipe(
  Command.withDescription("The server: takes samples in, gives readings out"),
  Command.withSubcommands([run, devices, tokens]),
  Command.run({ name: "p1-api", version: "1" }),
)

/** What is wrong with the arguments has been printed by then. */
const refused = Effect.sync(() => {
  process.exitCode = 1
})

runProgram(
  program(process.argv).pipe(
    Effect.catchIf(ValidationError.isValidationError, () => refused),
    Effect.provide(NodeContext.layer),
  ),
)
