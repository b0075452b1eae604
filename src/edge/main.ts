import { join } from "node:path"
import { Command } from "@effect/cli"
import { NodeContext } from "@effect/platform-node"
import {
  Config,
  ConfigError,
  DateTime,
  Duration,
  Effect,
  Either,
  Layer,
  Logger,
  LogLevel,
  Option,
  Redacted,
} from "effect"
import { defaultZone } from "../domain/index.ts"
import { HomeWizardDiscovery, HomeWizardPairing, HomeWizardProbe, readCa } from "../infra/homewizard/index.ts"
import { InternetClient } from "../infra/http-client/index.ts"
import {
  describeConfigError,
  doctor,
  layerLogs,
  provideCheck,
  runCommand,
  Settings,
  StartupError,
} from "../infra/process/index.ts"
import { SqliteSpool } from "../infra/sqlite/index.ts"
import * as ChosenMeter from "./ChosenMeter.ts"
import { discover } from "./commands/Discover.ts"
import { examine } from "./commands/Examine.ts"
import { pair } from "./commands/Pair.ts"
import { quarantine } from "./commands/Quarantine.ts"
import { spool } from "./commands/Spool.ts"
import { status } from "./commands/Status.ts"
import { unpair } from "./commands/Unpair.ts"
import { meterCheck, meterOfRunning, serverCheck, spoolCheck, tokenCheck, unlessRunning } from "./Doctor.ts"
import * as MeterToken from "./MeterToken.ts"
import * as Edge from "./Program.ts"
import {
  parseBytes,
  parseCommit,
  parseInterval,
  parseMeterHost,
  parseServerUrl,
  parseToken,
  parseZone,
} from "./Settings.ts"
import { readReport } from "./StatusReport.ts"
import * as StatusFile from "./StatusFile.ts"
import { untilBroken } from "./UntilBroken.ts"

const token = (name: string) => Settings.parsed(name, (text) => Either.map(parseToken(text), Redacted.make))

/** Read again for each upload: where a file holds it, a new token needs no restart. */
const deviceToken = token("VPS_DEVICE_TOKEN")
const currentDeviceToken = Effect.mapError(deviceToken, (error) => ({ message: describeConfigError(error) }))

const dataDir = Config.withDefault(Config.nonEmptyString("DATA_DIR"), "./data")
const statusPath = Config.map(dataDir, (folder) => join(folder, "status.json"))
const spoolOptions = Config.all({
  filename: Config.map(dataDir, (folder) => join(folder, "spool.sqlite")),
  commit: Config.withDefault(Settings.parsed("SPOOL_COMMIT", parseCommit), "each" as const),
  maxBytes: Config.withDefault(Settings.parsed("SPOOL_MAX_BYTES", parseBytes), 2_000_000_000),
})

const meterAddress = Config.all({
  api: Config.withDefault(Config.literal("v1", "v2")("HW_P1_API"), "v2" as const),
  host: Config.nonEmptyString("HW_P1_HOST"),
}).pipe(
  Config.mapOrFail(({ api, host }) =>
    Either.mapLeft(parseMeterHost(host, api), (message) => ConfigError.InvalidData(["HW_P1_HOST"], message)),
  ),
)

const meterToken = Config.all({ given: Config.option(token("HW_P1_TOKEN")), dataDir }).pipe(
  Config.map(({ dataDir, given }) =>
    MeterToken.layer({ given, file: join(dataDir, "meter-token") }).pipe(Layer.provide(NodeContext.layer)),
  ),
)

const ca = Effect.flatMap(
  Config.option(Config.nonEmptyString("HW_P1_CA_FILE")),
  Effect.transposeMapOption((path) => readCa(path, "HW_P1_CA_FILE")),
)

const zone = Config.withDefault(Settings.parsed("ZONE", parseZone), DateTime.zoneUnsafeMakeNamed(defaultZone))

const settings = Config.all({
  meter: meterAddress,
  meterToken,
  source: Config.withDefault(Config.literal("push", "poll")("HW_P1_SOURCE"), "push" as const),
  serverUrl: Settings.parsed("VPS_INGEST_URL", parseServerUrl),
  deviceToken,
  pollInterval: Config.withDefault(Settings.parsed("POLL_INTERVAL", parseInterval), Duration.seconds(1)),
  zone,
  logs: Settings.logs({ format: "LOG_FORMAT", level: "LOG_LEVEL" }),
})
type Settings = Config.Config.Success<typeof settings>

const layerSpool = Layer.unwrapEffect(Effect.map(spoolOptions, SqliteSpool.layer))

const layerMeter = ({ meter, meterToken }: Settings) =>
  Layer.unwrapEffect(Effect.map(ca, (ca) => ChosenMeter.layer({ ...meter, ca }))).pipe(
    Layer.provide([meterToken, HomeWizardDiscovery.layer]),
  )

const live = Effect.gen(function* () {
  const given = yield* settings
  const { logs, meter, pollInterval, serverUrl, source, zone } = given
  const edge = Edge.layer({
    poll: { zone, source, interval: pollInterval },
    upload: { server: { url: serverUrl, token: currentDeviceToken }, interval: "1 second" },
  })
  const statusFile = StatusFile.layer({
    path: yield* statusPath,
    meter: meter.host,
    server: serverUrl,
    pid: process.pid,
  })
  const started = Effect.logInfo("Edge started").pipe(
    Effect.annotateLogs({ meter: meter.host, server: serverUrl, source, every: Duration.format(pollInterval) }),
  )
  return yield* statusFile.pipe(
    Layer.tap(() => started),
    Layer.provide(edge),
    Layer.provide([layerMeter(given), InternetClient.layer]),
    Layer.launch,
    untilBroken,
    Effect.provide(Layer.provideMerge(layerSpool, layerLogs(logs))),
  )
})

const checks = Effect.map(settings, (given) => [
  unlessRunning(provideCheck(spoolCheck, layerSpool), Effect.flatMap(statusPath, readReport)),
  tokenCheck(currentDeviceToken),
  provideCheck(serverCheck({ url: given.serverUrl, token: currentDeviceToken }), InternetClient.layer),
  meterOfRunning(
    provideCheck(meterCheck, Layer.provide(layerMeter(given), layerSpool)),
    Effect.flatMap(statusPath, readReport),
  ),
])

/** Commands print what they are asked for; what they log goes to standard error. */
const quietly = Layer.merge(
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)),
  Logger.minimumLogLevel(LogLevel.Warning),
)
const layerSpoolQuietly = Layer.provideMerge(layerSpool, quietly)

/** What pairing works with. `anew`: the meter that was paired before does not count. */
const pairing = (anew: boolean) => (options: { readonly host: Option.Option<string> }) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const given = yield* Option.match(options.host, {
        onNone: () => Config.option(meterAddress),
        onSome: (host) =>
          Effect.mapBoth(parseMeterHost(host), {
            onFailure: (message) => new StartupError({ message: `--host: ${message}.` }),
            onSuccess: Option.some,
          }),
      })
      const address = yield* Effect.provide(ChosenMeter.addressOrOnlyOne(given), HomeWizardDiscovery.layer)
      return HomeWizardPairing.layer({ ...address, anew, ca: yield* ca, serial: Option.none() }).pipe(
        Layer.provideMerge(Layer.mergeAll(layerSpool, yield* meterToken, HomeWizardDiscovery.layer, quietly)),
      )
    }),
  )

/** The meter to examine: the one that the edge has its token of. */
const examined = Layer.unwrapEffect(
  Effect.gen(function* () {
    const { host, port } = yield* meterAddress
    const { current } = yield* MeterToken.MeterToken
    return HomeWizardProbe.layer({ host, port, token: yield* current, ca: yield* ca, serial: Option.none() })
  }),
).pipe(Layer.provide(Layer.unwrapEffect(meterToken)), Layer.provide([layerSpoolQuietly, HomeWizardDiscovery.layer]))

const run = Command.make("run", {}, () => live).pipe(
  Command.withDescription("Take samples from the meter into the spool and upload them"),
)

const program = Command.make("p1-edge", {}, () => live).pipe(
  Command.withDescription("The box at home: takes the meter's samples and uploads them"),
  Command.withSubcommands([
    run,
    status(statusPath),
    Command.provide(
      doctor("Check the spool, the server, the token, the clock and the meter, storing nothing", checks),
      quietly,
    ),
    Command.provide(examine(zone), examined),
    Command.provide(quarantine, layerSpoolQuietly),
    Command.provide(spool, layerSpoolQuietly),
    Command.provide(pair, pairing(true)),
    Command.provide(unpair, pairing(false)),
    Command.provide(discover, Layer.merge(HomeWizardDiscovery.layer, quietly)),
  ]),
  Command.run({ name: "p1-edge", version: "1" }),
)

runCommand(program)
