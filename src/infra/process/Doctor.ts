import { Command, Options } from "@effect/cli"
import { ConfigError, Console, Effect, Either, type Layer, type Scope } from "effect"
import { describeConfigError } from "./RunProgram.ts"
import { StartupError } from "./StartupError.ts"

/** One thing that must be right: gives what was found, or fails with what is wrong and the remedy. */
export interface Check<R> {
  readonly name: string
  readonly run: Effect.Effect<string, { readonly message: string }, R>
}

/** A check on parts of its own: that they cannot be had is what it finds. */
export const provideCheck = <R, E extends { readonly message: string }, RIn>(
  { name, run }: Check<R>,
  layer: Layer.Layer<R, E, RIn>,
): Check<RIn> => ({ name, run: Effect.provide(run, layer) })

const sentence = (error: { readonly message: string }): string =>
  ConfigError.isConfigError(error) ? describeConfigError(error) : error.message

const json = Options.boolean("json").pipe(Options.withDescription("Print JSON"))

/** `doctor`: runs every check, whatever the others find, says what was found, and fails if any failed. */
export const doctor = <E, R>(description: string, checks: Effect.Effect<ReadonlyArray<Check<R>>, E, R | Scope.Scope>) =>
  Command.make("doctor", { json }, (options) =>
    Effect.gen(function* () {
      const all = yield* checks
      const width = Math.max(...all.map(({ name }) => name.length)) + 2
      const results = yield* Effect.forEach(all, ({ name, run }) =>
        Effect.gen(function* () {
          const outcome = yield* Effect.either(run)
          const ok = Either.isRight(outcome)
          const said = Either.match(outcome, { onLeft: sentence, onRight: (text) => text })
          if (!options.json) yield* Console.log(`${ok ? "ok    " : "FAILED"}  ${name.padEnd(width)}${said}`)
          return { name, ok, said }
        }),
      )
      if (options.json) yield* Console.log(JSON.stringify(results))
      const broken = results.filter(({ ok }) => !ok).length
      if (broken > 0) return yield* new StartupError({ message: `${broken} of ${results.length} checks failed.` })
    }).pipe(Effect.scoped),
  ).pipe(Command.withDescription(description))
