import { Effect } from "effect"
import { StartupError } from "../process/index.ts"

const codeOf = (cause: unknown): unknown =>
  typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined

/** Why something failed, in a few words. */
export const reasonOf = (cause: unknown): string =>
  String(codeOf(cause) ?? (cause instanceof Error ? cause.message : cause))

export const hasCode =
  (code: string) =>
  (cause: unknown): boolean =>
    codeOf(cause) === code

/** Runs a promise whose failure ends the start with a sentence: `sentence` and the reason. */
export const attempt = <A>(sentence: string, run: () => Promise<A>): Effect.Effect<A, StartupError> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) => new StartupError({ message: `${sentence} (${reasonOf(cause)}).` }),
  })
