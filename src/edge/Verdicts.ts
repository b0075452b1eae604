import { DateTime, Either } from "effect"
import {
  type IngestReply,
  type Instant,
  type MeterInfo,
  type Rejection,
  type RejectionCode,
  sameMeter,
} from "../domain/index.ts"
import type { SpooledSample, Verdict } from "../domain/ports/index.ts"

/** What the meter said of itself with one of the rows; null when it said nothing new. */
export const meterOf = (rows: ReadonlyArray<SpooledSample>): MeterInfo | null =>
  rows.find(({ meter }) => meter !== null)?.meter ?? null

/** The rows up to where the meter says something else of itself: a batch carries that once. */
export const cutBatch = (rows: ReadonlyArray<SpooledSample>): ReadonlyArray<SpooledSample> => {
  const said = meterOf(rows)
  const end = rows.findIndex(({ meter }) => meter !== null && said !== null && !sameMeter(meter, said))
  return end === -1 ? rows : rows.slice(0, end)
}

const postponeBy = { seconds: 60 }

/** What may yet be right: the server's clock goes on, and the edge's may be set. */
const passes = (code: RejectionCode, clockWasSet: boolean): boolean =>
  code === "future" || (code === "before_2020" && !clockWasSet)

const verdictOf = (
  row: SpooledSample,
  rejection: Rejection | undefined,
  { clockWasSet, now }: VerdictContext,
): Verdict => {
  if (rejection === undefined) return { _tag: "Stored", id: row.id }
  const { code, message } = rejection
  return passes(code, clockWasSet)
    ? { _tag: "Postponed", id: row.id, until: DateTime.add(now, postponeBy) }
    : { _tag: "Quarantined", id: row.id, code, message }
}

export interface VerdictContext {
  readonly now: Instant
  /** Whether samples taken when the batch began had a time that can be. */
  readonly clockWasSet: boolean
}

/**
 * What became of each row by the server's reply. A reply that does not account for every row exactly once is not
 * believed at all: the left says why.
 */
export const verdictsOf = (
  rows: ReadonlyArray<SpooledSample>,
  { duplicates, inserted, received, rejected }: IngestReply,
  context: VerdictContext,
): Either.Either<ReadonlyArray<Verdict>, string> => {
  if (received !== rows.length) return Either.left(`${rows.length} samples were sent, ${received} received`)
  if (inserted + duplicates + rejected.length !== received) {
    return Either.left(`${inserted} + ${duplicates} + ${rejected.length} is not ${received}`)
  }
  const byIndex = new Map(rejected.map((rejection) => [rejection.index, rejection]))
  if (byIndex.size !== rejected.length) return Either.left("a sample is rejected twice")
  if (rejected.some(({ index }) => index >= rows.length)) return Either.left("a sample is rejected that was not sent")
  return Either.right(rows.map((row, index) => verdictOf(row, byIndex.get(index), context)))
}
