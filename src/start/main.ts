import { Config, DateTime, Effect, Either, Layer, LogLevel, Option, Redacted } from "effect"
import { defaultZone } from "../domain/index.ts"
import { parseMeterHost, parseToken, parseZone } from "../edge/index.ts"
import { readCa } from "../infra/homewizard/index.ts"
import { runProgram, Settings } from "../infra/process/index.ts"
import { program } from "./Program.ts"
import * as Screen from "./Screen.ts"

const realMeter = Config.all({
  address: Settings.parsed("HW_P1_HOST", parseMeterHost),
  token: Settings.parsed("HW_P1_TOKEN", (text) => Either.map(parseToken(text), Redacted.make)),
  caFile: Config.option(Config.nonEmptyString("HW_P1_CA_FILE")),
})

const settings = Config.all({
  dataDir: Config.withDefault(Config.nonEmptyString("DATA_DIR"), "./data"),
  host: Config.withDefault(Config.nonEmptyString("HOST"), "127.0.0.1"),
  port: Config.withDefault(Settings.port("PORT"), 8080),
  databaseUrl: Settings.address("DATABASE_URL", ["postgres:", "postgresql:"]),
  redisUrl: Settings.address("REDIS_URL", ["redis:", "rediss:"]),
  hasMeter: Config.map(Config.option(Config.nonEmptyString("HW_P1_HOST")), Option.isSome),
  zone: Config.withDefault(Settings.parsed("ZONE", parseZone), DateTime.zoneUnsafeMakeNamed(defaultZone)),
})

const meterOf = Effect.gen(function* () {
  const { address, caFile, token } = yield* realMeter
  const ca = yield* Effect.transposeMapOption(caFile, (path) => readCa(path, "HW_P1_CA_FILE"))
  return { ...address, token, ca }
})

runProgram(
  Effect.gen(function* () {
    const { hasMeter, ...options } = yield* settings
    const meter = yield* Effect.when(meterOf, () => hasMeter)
    return yield* program({ ...options, meter })
  }).pipe(Effect.provide(Layer.provideMerge(Screen.layerLogger(LogLevel.Warning), Screen.layer(process.stdout)))),
)
