import { Options } from "@effect/cli"
import { Effect, Schema } from "effect"
import { StartupError } from "../../infra/process/index.ts"
import { fieldErrors } from "../FieldErrors.ts"

/** An argument as its schema has it, or one line that says what is wrong with it. */
export const checked = <A, I>(
  argument: string,
  schema: Schema.Schema<A, I>,
  value: I,
): Effect.Effect<A, StartupError> =>
  Effect.mapError(
    Schema.decode(schema)(value),
    (error) =>
      new StartupError({
        message: `${argument}: ${fieldErrors(error)
          .map(({ message }) => message)
          .join("; ")}.`,
      }),
  )

/** For scripts: what a command prints, as JSON. */
export const json = Options.boolean("json").pipe(Options.withDescription("Print one JSON object"))
