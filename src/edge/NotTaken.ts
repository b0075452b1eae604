import { Data } from "effect"
import type { Unusable } from "../domain/index.ts"
import type { MeterError, SpoolError } from "../domain/ports/index.ts"

/** The meter answers, but its reading time has not moved for too long. */
export class MeterStale extends Data.TaggedError("MeterStale")<{ readonly message: string }> {}

/** The meter answers with a measurement that is no sample. */
export class MeasurementUnusable extends Data.TaggedError("MeasurementUnusable")<{
  readonly reason: Unusable["reason"]
  readonly message: string
}> {}

/** Why a reading became no sample. */
export type NotTaken = MeterError | SpoolError | MeterStale | MeasurementUnusable

export const stale = (stamp: string): MeterStale =>
  new MeterStale({
    message: `The meter has given no new telegram since ${stamp}: check the cable between dongle and meter.`,
  })

const sentences = {
  NoPower: () => "The meter gives no power: waiting for one that does.",
  AbsurdPower: () => "The meter gives a power that no house draws: waiting for the next telegram.",
  DoubtfulStamp: (stamp: string | null) =>
    `The meter's reading time jumped to ${stamp ?? ""}: taken as an old reading unless the next one moves on from it.`,
} satisfies Record<Unusable["reason"], (stamp: string | null) => string>

export const unusable = (reason: Unusable["reason"], stamp: string | null): MeasurementUnusable =>
  new MeasurementUnusable({ reason, message: sentences[reason](stamp) })
