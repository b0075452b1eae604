import { NodeContext } from "@effect/platform-node"
import { Config, Effect, LogLevel, Option, Schema } from "effect"
import { Instant, ZoneName } from "../domain/index.ts"
import { layerLogs, runProgram, Settings } from "../infra/process/index.ts"
import { DeviceToken, Serial } from "./Identity.ts"
import { readPlayed } from "./PlayedFile.ts"
import { defaults, program } from "./Program.ts"

const options = Config.all({
  host: Config.withDefault(Config.nonEmptyString("METER_HOST"), defaults.host),
  port: Config.withDefault(Settings.port("METER_PORT"), defaults.port),
  serial: Config.withDefault(Schema.Config("METER_SERIAL", Serial), defaults.serial),
  token: Config.option(Schema.Config("METER_TOKEN", Schema.Redacted(DeviceToken))),
  seed: Config.withDefault(Config.integer("METER_SEED"), defaults.seed),
  zone: Config.withDefault(Schema.Config("METER_ZONE", ZoneName), defaults.zone),
  startAt: Config.option(Schema.Config("METER_START", Instant)),
  speed: Config.number().pipe(
    Config.validate({
      message: "expected a number above 0",
      validation: (speed) => speed > 0 && Number.isFinite(speed),
    }),
    Config.nested("METER_SPEED"),
    Config.withDefault(defaults.speed),
  ),
  play: Config.option(Config.nonEmptyString("METER_PLAY")),
  v1Port: Config.option(Settings.port("METER_V1_PORT")),
  controlPort: Config.map(Config.withDefault(Settings.port("METER_CONTROL_PORT"), 0), Option.some),
  announce: Config.withDefault(Config.boolean("METER_ANNOUNCE"), false),
  folder: Config.map(Config.withDefault(Config.nonEmptyString("DATA_DIR"), "./data"), (dataDir) =>
    Option.some(`${dataDir}/meter`),
  ),
})

const meter = Effect.gen(function* () {
  const { play, ...settings } = yield* options
  const played = yield* Effect.transposeMapOption(play, (file) => readPlayed(file, settings.zone, "METER_PLAY"))
  return yield* program({ ...settings, play: played })
})

runProgram(meter.pipe(Effect.provide([NodeContext.layer, layerLogs({ format: "pretty", level: LogLevel.Info })])))
