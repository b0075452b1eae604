import { Layer, Logger, LogLevel } from "effect"

/** One line a record for machines, colours for people. */
export const LogFormat = { json: Logger.json, pretty: Logger.pretty } as const

export interface LogOptions {
  readonly format: keyof typeof LogFormat
  readonly level: LogLevel.LogLevel
}

export const layerLogs = ({ format, level }: LogOptions): Layer.Layer<never> =>
  Layer.merge(LogFormat[format], Logger.minimumLogLevel(level))

/** Commands print what they are asked for; what they log goes to standard error. */
export const layerQuietLogs: Layer.Layer<never> = Layer.merge(
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)),
  Logger.minimumLogLevel(LogLevel.Warning),
)
