import { type Error as PlatformError, FileSystem, Path } from "@effect/platform"
import { Context, Effect, Either, Layer, Option, Redacted } from "effect"
import { StartupError } from "../infra/process/index.ts"
import { parseToken } from "./Settings.ts"

/** The meter's token: the one that was set, else the one in the file that pairing wrote. */
export class MeterToken extends Context.Tag("edge/MeterToken")<
  MeterToken,
  {
    readonly file: string
    /** Whether one was set, which then counts more than the file. */
    readonly isSet: boolean
    readonly current: Effect.Effect<Redacted.Redacted, StartupError>
    /** Writes the file, readable by this user only. */
    readonly keep: (token: Redacted.Redacted) => Effect.Effect<void, StartupError>
    readonly forget: Effect.Effect<void, StartupError>
  }
>() {}

const ownerOnly = 0o600

const make = (options: MeterTokenOptions) =>
  Effect.gen(function* () {
    const { file, given } = options
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const cannot = (what: string) => (error: PlatformError.PlatformError) =>
      new StartupError({
        message: `The meter's token in ${file} cannot be ${what} (${error.message}): check DATA_DIR.`,
      })
    const none = new StartupError({
      message: `There is no token for the meter: run p1-edge pair and tap the meter's button, or set HW_P1_TOKEN.`,
    })

    const read = Effect.gen(function* () {
      if (!(yield* Effect.mapError(fs.exists(file), cannot("read")))) return yield* none
      const text = yield* Effect.mapError(fs.readFileString(file), cannot("read"))
      return yield* Either.mapBoth(parseToken(text), {
        onLeft: () => new StartupError({ message: `${file} holds no token: run p1-edge pair to get a new one.` }),
        onRight: (token): Redacted.Redacted => Redacted.make(token),
      })
    })

    return MeterToken.of({
      file,
      isSet: Option.isSome(given),
      current: Option.match(given, { onNone: () => read, onSome: (token) => Effect.succeed(token) }),
      keep: (token) =>
        Effect.gen(function* () {
          const fresh = `${file}.new`
          yield* fs.makeDirectory(path.dirname(file), { recursive: true })
          yield* fs.remove(fresh, { force: true })
          yield* Effect.scoped(
            Effect.gen(function* () {
              const handle = yield* fs.open(fresh, { flag: "wx", mode: ownerOnly })
              yield* handle.writeAll(new TextEncoder().encode(`${Redacted.value(token)}\n`))
              yield* handle.sync
            }),
          )
          yield* fs.rename(fresh, file)
        }).pipe(Effect.mapError(cannot("written"))),
      forget: Effect.mapError(fs.remove(file, { force: true }), cannot("removed")),
    })
  })

export interface MeterTokenOptions {
  readonly given: Option.Option<Redacted.Redacted>
  readonly file: string
}

export const layer = (options: MeterTokenOptions): Layer.Layer<MeterToken, never, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(MeterToken, make(options))
