import { FileSystem } from "@effect/platform"
import { DateTime, Effect } from "effect"
import type { ZoneName } from "../domain/index.ts"
import { readFluvius } from "../infra/meter-files/index.ts"
import { StartupError } from "../infra/process/index.ts"
import type { PlayedQuarter } from "./Replay.ts"

/** The quarter-hours of a file as the Flemish grid operator gives it. `variable` names the file for people. */
export const readPlayed = Effect.fn("readPlayed")(function* (file: string, zone: ZoneName, variable: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(
    fs.readFileString(file),
    ({ message }) =>
      new StartupError({ message: `${variable}: ${file} cannot be read (${message}): give a CSV file.` }),
  )
  const { quarters } = yield* Effect.mapError(
    readFluvius(text, DateTime.zoneUnsafeMakeNamed(zone)),
    ({ message }) => new StartupError({ message: `${variable}: ${message}` }),
  )
  if (quarters.length === 0) {
    return yield* new StartupError({ message: `${variable}: ${file} has no quarter-hour in it: download it again.` })
  }
  return quarters as ReadonlyArray<PlayedQuarter>
})
