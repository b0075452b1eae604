import { join } from "node:path"
import { Config, ConfigError, DateTime, Duration, Effect, Either, Redacted } from "effect"
import { defaultZone } from "../domain/index.ts"
import { readCa } from "../infra/homewizard/index.ts"
import { describeConfigError, Settings } from "../infra/process/index.ts"
import {
  parseBytes,
  parseCommit,
  parseInterval,
  parseMeterHost,
  parseServerUrl,
  parseToken,
  parseZone,
} from "./Settings.ts"

const token = (name: string) => Settings.parsed(name, (text) => Either.map(parseToken(text), Redacted.make))

const dataDir = Config.withDefault(Config.nonEmptyString("DATA_DIR"), "./data")
const inDataDir = (name: string) => Config.map(dataDir, (folder) => join(folder, name))
export const statusPath = inDataDir("status.json")

export const spool = Config.all({
  filename: inDataDir("spool.sqlite"),
  commit: Config.withDefault(Settings.parsed("SPOOL_COMMIT", parseCommit), "each" as const),
  maxBytes: Config.withDefault(Settings.parsed("SPOOL_MAX_BYTES", parseBytes), 2_000_000_000),
})

export const meterAddress = Config.all({
  api: Config.withDefault(Config.literal("v1", "v2")("HW_P1_API"), "v2" as const),
  host: Config.nonEmptyString("HW_P1_HOST"),
}).pipe(
  Config.mapOrFail(({ api, host }) =>
    Either.mapLeft(parseMeterHost(host, api), (message) => ConfigError.InvalidData(["HW_P1_HOST"], message)),
  ),
)

/** Where the meter's token is: in the variable, or in the file that pairing writes. */
export const meterToken = Config.all({ given: Config.option(token("HW_P1_TOKEN")), file: inDataDir("meter-token") })

export const ca = Effect.flatMap(
  Config.option(Config.nonEmptyString("HW_P1_CA_FILE")),
  Effect.transposeMapOption((path) => readCa(path, "HW_P1_CA_FILE")),
)

export const source = Config.withDefault(Config.literal("push", "poll")("HW_P1_SOURCE"), "push" as const)
export const pollInterval = Config.withDefault(Settings.parsed("POLL_INTERVAL", parseInterval), Duration.seconds(1))
export const zone = Config.withDefault(Settings.parsed("ZONE", parseZone), DateTime.zoneUnsafeMakeNamed(defaultZone))

export const serverUrl = Settings.parsed("VPS_INGEST_URL", parseServerUrl)
export const deviceToken = token("VPS_DEVICE_TOKEN")
/** Read again for each upload: where a file holds it, a new token needs no restart. */
export const currentDeviceToken = Effect.mapError(deviceToken, (error) => ({ message: describeConfigError(error) }))

export const logs = Settings.logs({ format: "LOG_FORMAT", level: "LOG_LEVEL" })
