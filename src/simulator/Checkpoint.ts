import { FileSystem } from "@effect/platform"
import { Effect, Option, Schema } from "effect"
import { ZoneName } from "../domain/index.ts"
import { ownerOnly, replaceFile } from "./Files.ts"
import type { Household } from "./Household.ts"
import { MeterState } from "./Registers.ts"

const Checkpoint = Schema.parseJson(Schema.Struct({ seed: Schema.Int, zone: ZoneName, state: MeterState }))

/**
 * The state that was saved, when it belongs to this household and does not lie ahead of `atSecond`. What it lacks
 * is played again: the household is a pure function, so a meter that was killed comes back with the same registers.
 */
export const loadCheckpoint = Effect.fn("Checkpoint.load")(function* (
  file: string,
  household: Household,
  atSecond: number,
) {
  const fs = yield* FileSystem.FileSystem
  if (!(yield* fs.exists(file))) return Option.none<MeterState>()
  const saved = yield* Effect.either(Effect.flatMap(fs.readFileString(file), Schema.decode(Checkpoint)))
  if (saved._tag === "Left") {
    yield* Effect.logWarning("The saved state cannot be read: the meter begins anew").pipe(
      Effect.annotateLogs({ file, cause: saved.left.message }),
    )
    return Option.none()
  }
  const { seed, zone, state } = saved.right
  if (seed === household.seed && zone === household.zone && state.second <= atSecond) return Option.some(state)
  yield* Effect.logInfo("The saved state is of another household or of a later time: the meter begins anew").pipe(
    Effect.annotateLogs({ file }),
  )
  return Option.none()
})

export const saveCheckpoint = Effect.fn("Checkpoint.save")(function* (
  file: string,
  { seed, zone }: Household,
  state: MeterState,
) {
  yield* replaceFile(file, yield* Effect.orDie(Schema.encode(Checkpoint)({ seed, zone, state })), ownerOnly)
})
