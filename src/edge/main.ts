import { join } from "node:path"
import { Command } from "@effect/cli"
import { Config, DateTime, Duration, Effect, Either, Layer, Option, Redacted } from "effect"
import { defaultZone } from "../domain/index.ts"
import { HomeWizardMeter, readCa } from "../infra/homewizard/index.ts"
import { InternetClient } from "../infra/http-client/index.ts"
import { describeConfigError, layerLogs, runCommand, Settings } from "../infra/process/index.ts"
import { SqliteSpool } from "../infra/sqlite/index.ts"
import * as Edge from "./Program.ts"
import { parseInterval, parseMeterHost, parseServerUrl, parseToken, parseZone } from "./Settings.ts"

const token = (name: string) => Settings.parsed(name, (text) => Either.map(parseToken(text), Redacted.make))

/** Read again for each upload: where a file holds it, a new token needs no restart. */
const deviceToken = token("VPS_DEVICE_TOKEN")
const currentDeviceToken = Effect.mapError(deviceToken, (error) => ({ message: describeConfigError(error) }))

const settings = Config.all({
  meter: Settings.parsed("HW_P1_HOST", parseMeterHost),
  meterToken: token("HW_P1_TOKEN"),
  caFile: Config.option(Config.nonEmptyString("HW_P1_CA_FILE")),
  serverUrl: Settings.parsed("VPS_INGEST_URL", parseServerUrl),
  deviceToken,
  dataDir: Config.withDefault(Config.nonEmptyString("DATA_DIR"), "./data"),
  pollInterval: Config.withDefault(Settings.parsed("POLL_INTERVAL", parseInterval), Duration.seconds(1)),
  zone: Config.withDefault(Settings.parsed("ZONE", parseZone), DateTime.zoneUnsafeMakeNamed(defaultZone)),
  logs: Settings.logs({ format: "LOG_FORMAT", level: "LOG_LEVEL" }),
})

const live = Effect.gen(function* () {
  const { caFile, dataDir, logs, meter, meterToken, pollInterval, serverUrl, zone } = yield* settings
  const ca = yield* Effect.transposeMapOption(caFile, (path) => readCa(path, "HW_P1_CA_FILE"))
  const edge = Edge.layer({
    poll: { zone, interval: pollInterval },
    upload: { server: { url: serverUrl, token: currentDeviceToken }, interval: "1 second" },
  }).pipe(
    Layer.provide([
      HomeWizardMeter.layer({ ...meter, token: meterToken, ca, serial: Option.none() }),
      SqliteSpool.layer({ filename: join(dataDir, "spool.sqlite") }),
      InternetClient.layer,
    ]),
  )
  const started = Effect.logInfo("Edge started").pipe(
    Effect.annotateLogs({ meter: meter.host, server: serverUrl, every: Duration.format(pollInterval) }),
  )
  return yield* Layer.launch(Layer.tap(edge, () => started)).pipe(Effect.provide(layerLogs(logs)))
})

const run = Command.make("run", {}, () => live).pipe(
  Command.withDescription("Take samples from the meter into the spool and upload them"),
)

const program = Command.make("p1-edge", {}, () => live).pipe(
  Command.withDescription("The box at home: takes the meter's samples and uploads them"),
  Command.withSubcommands([run]),
  Command.run({ name: "p1-edge", version: "1" }),
)

runCommand(program)
