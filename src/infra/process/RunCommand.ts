import { ValidationError } from "@effect/cli"
import { NodeContext } from "@effect/platform-node"
import { ConfigError, Effect } from "effect"
import { runProgram } from "./RunProgram.ts"
import { StartupError } from "./StartupError.ts"

/** What is wrong with the arguments has been printed by then. */
const refused = Effect.sync(() => {
  process.exitCode = 1
})

/** Runs what `Command.run` made of the arguments that this process was started with; an expected error is one line. */
export const runCommand = <A, E extends { readonly message: string }>(
  command: (
    argv: ReadonlyArray<string>,
  ) => Effect.Effect<A, E | ValidationError.ValidationError | ConfigError.ConfigError, NodeContext.NodeContext>,
): void =>
  runProgram(
    command(process.argv).pipe(
      Effect.catchIf(ValidationError.isValidationError, () => refused),
      Effect.mapError((error) =>
        ConfigError.isConfigError(error) ? error : new StartupError({ message: error.message }),
      ),
      Effect.provide(NodeContext.layer),
    ),
  )
