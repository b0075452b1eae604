import { Command } from "@effect/cli"
import { Console, Effect, Either } from "effect"
import { StartupError } from "../../infra/process/index.ts"
import type { Check } from "../Doctor.ts"
import { json } from "./Arguments.ts"

/** `doctor`: runs every check, whatever the others find, and says what was found. */
export const doctor = <E, R>(checks: Effect.Effect<ReadonlyArray<Check<R>>, E>) =>
  Command.make("doctor", { json }, (options) =>
    Effect.gen(function* () {
      const results = yield* Effect.forEach(yield* checks, ({ name, run }) =>
        Effect.gen(function* () {
          const outcome = yield* Effect.either(run)
          const ok = Either.isRight(outcome)
          const said = Either.match(outcome, { onLeft: ({ message }) => message, onRight: (text) => text })
          if (!options.json) yield* Console.log(`${ok ? "ok    " : "FAILED"}  ${name.padEnd(8)}${said}`)
          return { name, ok, said }
        }),
      )
      if (options.json) yield* Console.log(JSON.stringify(results))
      const broken = results.filter(({ ok }) => !ok).length
      if (broken > 0) return yield* new StartupError({ message: `${broken} of ${results.length} checks failed.` })
    }),
  ).pipe(Command.withDescription("Check the spool, the server, the token, the clock and the meter, storing nothing"))
