import { join } from "node:path"
import { Command } from "@effect/cli"
import { Config, DateTime, Duration, Effect, Either, Layer, Logger, LogLevel, Option, Redacted } from "effect"
import { defaultZone } from "../domain/index.ts"
import { HomeWizardMeter, readCa } from "../infra/homewizard/index.ts"
import { InternetClient } from "../infra/http-client/index.ts"
import { describeConfigError, layerLogs, runCommand, Settings } from "../infra/process/index.ts"
import { SqliteSpool } from "../infra/sqlite/index.ts"
import { doctor } from "./commands/Doctor.ts"
import { quarantine } from "./commands/Quarantine.ts"
import { spool } from "./commands/Spool.ts"
import { status } from "./commands/Status.ts"
import { meterCheck, provideCheck, serverCheck, spoolCheck, tokenCheck, unlessRunning } from "./Doctor.ts"
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

const settings = Config.all({
  meter: Settings.parsed("HW_P1_HOST", parseMeterHost),
  meterToken: token("HW_P1_TOKEN"),
  caFile: Config.option(Config.nonEmptyString("HW_P1_CA_FILE")),
  serverUrl: Settings.parsed("VPS_INGEST_URL", parseServerUrl),
  deviceToken,
  pollInterval: Config.withDefault(Settings.parsed("POLL_INTERVAL", parseInterval), Duration.seconds(1)),
  zone: Config.withDefault(Settings.parsed("ZONE", parseZone), DateTime.zoneUnsafeMakeNamed(defaultZone)),
  logs: Settings.logs({ format: "LOG_FORMAT", level: "LOG_LEVEL" }),
})
type Settings = Config.Config.Success<typeof settings>

const layerSpool = Layer.unwrapEffect(Effect.map(spoolOptions, SqliteSpool.layer))

const layerMeter = ({ caFile, meter, meterToken }: Settings) =>
  Layer.unwrapEffect(
    Effect.map(
      Effect.transposeMapOption(caFile, (path) => readCa(path, "HW_P1_CA_FILE")),
      (ca) => HomeWizardMeter.layer({ ...meter, token: meterToken, ca, serial: Option.none() }),
    ),
  )

const live = Effect.gen(function* () {
  const given = yield* settings
  const { logs, meter, pollInterval, serverUrl, zone } = given
  const edge = Edge.layer({
    poll: { zone, interval: pollInterval },
    upload: { server: { url: serverUrl, token: currentDeviceToken }, interval: "1 second" },
  })
  const statusFile = StatusFile.layer({
    path: yield* statusPath,
    meter: meter.host,
    server: serverUrl,
    pid: process.pid,
  })
  const started = Effect.logInfo("Edge started").pipe(
    Effect.annotateLogs({ meter: meter.host, server: serverUrl, every: Duration.format(pollInterval) }),
  )
  return yield* statusFile.pipe(
    Layer.tap(() => started),
    Layer.provide(edge),
    Layer.provide([layerMeter(given), InternetClient.layer]),
    Layer.launch,
    untilBroken,
    Effect.provide(layerSpool),
    Effect.provide(layerLogs(logs)),
  )
})

const checks = Effect.map(settings, (given) => [
  unlessRunning(provideCheck(spoolCheck, layerSpool), Effect.flatMap(statusPath, readReport)),
  tokenCheck(currentDeviceToken),
  provideCheck(serverCheck({ url: given.serverUrl, token: currentDeviceToken }), InternetClient.layer),
  provideCheck(meterCheck, layerMeter(given)),
])

/** Commands print what they are asked for; what they log goes to standard error. */
const quietly = Layer.merge(
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)),
  Logger.minimumLogLevel(LogLevel.Warning),
)
const layerSpoolQuietly = Layer.provideMerge(layerSpool, quietly)

const run = Command.make("run", {}, () => live).pipe(
  Command.withDescription("Take samples from the meter into the spool and upload them"),
)

const program = Command.make("p1-edge", {}, () => live).pipe(
  Command.withDescription("The box at home: takes the meter's samples and uploads them"),
  Command.withSubcommands([
    run,
    status(statusPath),
    Command.provide(doctor(checks), quietly),
    Command.provide(quarantine, layerSpoolQuietly),
    Command.provide(spool, layerSpoolQuietly),
  ]),
  Command.run({ name: "p1-edge", version: "1" }),
)

runCommand(program)
