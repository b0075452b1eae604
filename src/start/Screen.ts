import { Context, Effect, Layer, Logger, type LogLevel, Ref } from "effect"

/** Where a person looks: lines that stay, and one status line below them that is redrawn. */
export class Screen extends Context.Tag("start/Screen")<
  Screen,
  {
    readonly line: (text: string) => Effect.Effect<void>
    readonly status: (text: string) => Effect.Effect<void>
    /** Whether the status line can be redrawn in place. */
    readonly live: boolean
  }
>() {}

/** The part of a stream that a screen needs. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly write: (text: string) => unknown
}

const clearLine = "\r\u001b[2K"

/** A screen on a terminal; where the output is no terminal, each status is a line of its own. */
export const layer = (output: Output): Layer.Layer<Screen> =>
  Layer.scoped(
    Screen,
    Effect.gen(function* () {
      const live = output.isTTY === true
      const shown = yield* Ref.make("")
      const draw = (text: string) => (live ? clearLine + text.slice(0, (output.columns ?? 80) - 1) : `${text}\n`)
      const write = (text: string) => Effect.sync(() => void output.write(text))
      yield* Effect.addFinalizer(() => (live ? write(clearLine) : Effect.void))
      return Screen.of({
        live,
        line: (text) =>
          Effect.flatMap(Ref.get(shown), (status) =>
            write(live ? `${clearLine}${text}\n${status === "" ? "" : draw(status)}` : `${text}\n`),
          ),
        status: (text) => Effect.zipRight(Ref.set(shown, text), write(draw(text))),
      })
    }),
  )

/** Log records as lines above the status line. */
export const layerLogger = (level: LogLevel.LogLevel): Layer.Layer<never, never, Screen> =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const screen = yield* Screen
      const logger = Logger.map(Logger.logfmtLogger, (text) => Effect.runSync(screen.line(text)))
      return Layer.merge(Logger.replace(Logger.defaultLogger, logger), Logger.minimumLogLevel(level))
    }),
  )
