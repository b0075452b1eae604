import { readFile } from "node:fs/promises"
import { Config, Data, Effect, Either, Redacted } from "effect"
import { parsed } from "./Settings.ts"

/** The file that a secret should be in cannot be read, or holds something else. */
export class SecretUnreadable extends Data.TaggedError("SecretUnreadable")<{ readonly message: string }> {}

export type Secret = Effect.Effect<Redacted.Redacted, SecretUnreadable>

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)

const fromFile = (variable: string, path: string, parse: (text: string) => Either.Either<string, string>): Secret =>
  Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (cause) =>
      new SecretUnreadable({
        message: `${variable}: ${path} cannot be read (${codeOf(cause)}): put the token into it, readable by this user`,
      }),
  }).pipe(
    Effect.flatMap((text) =>
      Either.mapLeft(parse(text), (why) => new SecretUnreadable({ message: `${variable}: in ${path}, ${why}` })),
    ),
    Effect.map(Redacted.make),
  )

/**
 * A secret in the variable `value`, or in a file that the variable `file` names. The file is read each time, so that a
 * new secret needs no restart, and may come later than the program.
 */
export const secret = (
  names: { readonly value: string; readonly file: string },
  parse: (text: string) => Either.Either<string, string>,
): Config.Config<Secret> =>
  Config.orElse(
    Config.map(Config.nonEmptyString(names.file), (path) => fromFile(names.file, path, parse)),
    () => Config.map(parsed(names.value, parse), (text) => Effect.succeed(Redacted.make(text))),
  )
