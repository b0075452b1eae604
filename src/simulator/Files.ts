import { type Error as PlatformError, FileSystem, Path } from "@effect/platform"
import { Effect } from "effect"
import { StartupError } from "../infra/process/index.ts"

export const ownerOnly = 0o600
export const forEveryone = 0o644

/** Replaces a file as a whole: after a crash it holds the old text or the new. */
export const replaceFile = Effect.fn("simulator.replaceFile")(function* (file: string, text: string, mode: number) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const fresh = `${file}.new`
  yield* fs.makeDirectory(path.dirname(file), { recursive: true })
  yield* Effect.scoped(
    Effect.gen(function* () {
      const handle = yield* fs.open(fresh, { flag: "w", mode })
      yield* handle.writeAll(new TextEncoder().encode(text))
      yield* handle.sync
    }),
  )
  yield* fs.rename(fresh, file)
})

/** The sentence for a folder that cannot be used. */
export const cannotUse = (folder: string, error: PlatformError.PlatformError): StartupError =>
  new StartupError({
    message: `Cannot keep the simulated meter's files in ${folder} (${error.message}): set DATA_DIR to a folder that this user may write to.`,
  })
