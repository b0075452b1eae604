import { Config, ConfigError, DateTime, Effect, Either, Layer, LogLevel, Redacted } from "effect"
import { defaultZone } from "../domain/index.ts"
import { parseMeterHost, parseToken, parseZone } from "../edge/index.ts"
import { readCa } from "../infra/homewizard/index.ts"
import { runProgram, Settings } from "../infra/process/index.ts"
import { program } from "./Program.ts"
import * as Screen from "./Screen.ts"

const realMeter = Config.all({
  api: Config.withDefault(Config.literal("v1", "v2")("HW_P1_API"), "v2" as const),
  host: Config.nonEmptyString("HW_P1_HOST"),
}).pipe(
  Config.mapOrFail(({ api, host }) =>
    Either.mapLeft(parseMeterHost(host, api), (message) => ConfigError.InvalidData(["HW_P1_HOST"], message)),
  ),
)

const settings = Config.all({
  dataDir: Config.withDefault(Config.nonEmptyString("DATA_DIR"), "./data"),
  host: Config.withDefault(Config.nonEmptyString("HOST"), "127.0.0.1"),
  port: Config.withDefault(Settings.port("PORT"), 8080),
  databaseUrl: Settings.address("DATABASE_URL", ["postgres:", "postgresql:"]),
  redisUrl: Settings.address("REDIS_URL", ["redis:", "rediss:"]),
  meter: Config.option(realMeter),
  meterToken: Config.option(
    Settings.parsed("HW_P1_TOKEN", (text) => Either.map(parseToken(text), Redacted.make<string>)),
  ),
  caFile: Config.option(Config.nonEmptyString("HW_P1_CA_FILE")),
  source: Config.withDefault(Config.literal("push", "poll")("HW_P1_SOURCE"), "push" as const),
  zone: Config.withDefault(Settings.parsed("ZONE", parseZone), DateTime.zoneUnsafeMakeNamed(defaultZone)),
})

runProgram(
  Effect.gen(function* () {
    const { caFile, ...options } = yield* settings
    const ca = yield* Effect.transposeMapOption(caFile, (path) => readCa(path, "HW_P1_CA_FILE"))
    return yield* program({ ...options, ca })
  }).pipe(Effect.provide(Layer.provideMerge(Screen.layerLogger(LogLevel.Warning), Screen.layer(process.stdout)))),
)
