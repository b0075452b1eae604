import { NodeRuntime } from "@effect/platform-node"
import { Array as Arr, ConfigError, Console, Effect } from "effect"
import { StartupError } from "./StartupError.ts"
import { variables } from "./VariableFiles.ts"

/** The reason without the tree of schemas that it was found in. */
const lastLine = (message: string): string =>
  (message.trim().split("\n").at(-1) ?? "").replace(/^[\s\u2500\u2502\u251c\u2514]+/, "")

const sentences = (error: ConfigError.ConfigError): ReadonlyArray<string> => {
  switch (error._op) {
    case "And":
    case "Or":
      return [...sentences(error.left), ...sentences(error.right)]
    case "MissingData":
      return [`${error.path.join("_")} is not set`]
    default:
      return [`${error.path.join("_")}: ${lastLine(error.message)}`]
  }
}

/** One line that names each variable that is missing or malformed. */
export const describeConfigError = (error: ConfigError.ConfigError): string =>
  `Configuration: ${Arr.dedupe(sentences(error)).join("; ")}. See .env.example for what each variable means.`

/**
 * Runs a program until SIGINT or SIGTERM, then lets its layers end in order. What is wrong with the configuration or
 * the surroundings is one line on standard error and exit code 1; only defects show a trace.
 */
export const runProgram = <A, E>(program: Effect.Effect<A, E | ConfigError.ConfigError | StartupError>): void =>
  program.pipe(
    Effect.withConfigProvider(variables),
    Effect.tapErrorCause((cause) => {
      const failure = cause._tag === "Fail" ? cause.error : undefined
      if (failure instanceof StartupError) return Console.error(failure.message)
      if (ConfigError.isConfigError(failure)) return Console.error(describeConfigError(failure))
      return Effect.logFatal("The program ended by an error", cause)
    }),
    NodeRuntime.runMain({ disableErrorReporting: true, disablePrettyLogger: true }),
  )
