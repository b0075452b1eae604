import { Config, Duration, Option, Schema } from "effect"
import { noProxies, parseTrustedProxies } from "../infra/http-server/index.ts"
import { Settings } from "../infra/process/index.ts"
import { defaultLimits } from "./Limits.ts"

export const port = Config.withDefault(Settings.port("PORT"), 8080)

export const listen = Config.all({
  host: Config.withDefault(Config.nonEmptyString("HOST"), "127.0.0.1"),
  port,
  portVariable: Config.succeed("PORT"),
})

export const metrics = Config.option(Settings.port("METRICS_PORT")).pipe(
  Config.zipWith(Config.withDefault(Config.nonEmptyString("METRICS_HOST"), "127.0.0.1"), (port, host) =>
    Option.map(port, (given) => ({ host, port: given, portVariable: "METRICS_PORT" })),
  ),
)

export const access = Config.all({
  trustedProxies: Config.withDefault(Settings.parsed("TRUSTED_PROXIES", parseTrustedProxies), noProxies),
  corsOrigins: Settings.origins("CORS_ORIGINS"),
  limits: Config.map(
    Config.withDefault(Config.integer("REQUESTS_PER_TOKEN"), defaultLimits.requestsPerToken.points),
    (points) => ({ ...defaultLimits, requestsPerToken: { ...defaultLimits.requestsPerToken, points } }),
  ),
})

export const endGrace = Config.withDefault(Config.duration("SHUTDOWN_GRACE"), Duration.zero)

export const database = Config.all({
  url: Settings.address("DATABASE_URL", ["postgres:", "postgresql:"]),
  dataDir: Config.withDefault(Config.nonEmptyString("DATA_DIR"), "./data"),
  timescale: Config.withDefault(Config.literal("required", "off", "auto")("TIMESCALE"), "auto" as const),
  retention: Settings.retention("RETENTION"),
  maintenance: Config.withDefault(Config.boolean("MAINTENANCE"), true),
})

export const redisUrl = Settings.address("REDIS_URL", ["redis:", "rediss:"])
export const tariffsFile = Config.option(Config.nonEmptyString("TARIFFS_FILE"))
export const publicUrl = Config.option(Schema.Config("PUBLIC_URL", Schema.URL))
export const logs = Settings.logs({ format: "LOG_FORMAT", level: "LOG_LEVEL" })
export const traces = Settings.address("OTEL_EXPORTER_OTLP_ENDPOINT", ["http:", "https:"])
