import { Array as Arr, Chunk, HashMap, Option, Order, pipe } from "effect"
import { fromEpochMillis, type IdRange, type Instant, type MeterInfo, type Sample, within } from "../../domain/index.ts"
import {
  longestPutOffMs,
  type QuarantinedSample,
  quarantineLimit,
  type SpooledSample,
  type Verdict,
} from "../../domain/ports/index.ts"

type Waiting = SpooledSample & { readonly notBeforeMs: number }

/** A spool as a value. */
export interface SpoolRows {
  readonly taken: number
  readonly waiting: Chunk.Chunk<Waiting>
  readonly quarantine: ReadonlyArray<QuarantinedSample>
  readonly last: Option.Option<Sample>
  readonly lastMeter: Option.Option<MeterInfo>
}

export const empty: SpoolRows = {
  taken: 0,
  waiting: Chunk.empty(),
  quarantine: [],
  last: Option.none(),
  lastMeter: Option.none(),
}

const byId = Order.mapInput(Order.number, ({ id }: { readonly id: number }) => id)

const isPutOff = ({ notBeforeMs }: Waiting, now: Instant): boolean =>
  notBeforeMs > now.epochMillis && notBeforeMs <= now.epochMillis + longestPutOffMs

export const append =
  (sample: Sample, meter: MeterInfo | null) =>
  (rows: SpoolRows): SpoolRows => ({
    ...rows,
    taken: rows.taken + 1,
    waiting: Chunk.append(rows.waiting, { id: rows.taken + 1, sample, meter, notBeforeMs: 0 }),
    last: Option.some(sample),
    lastMeter: Option.orElse(Option.fromNullable(meter), () => rows.lastMeter),
  })

/** The rows that are due and not lent, in order. */
export const due = (rows: SpoolRows, now: Instant, lent: ReadonlyArray<IdRange>): Chunk.Chunk<SpooledSample> =>
  rows.waiting.pipe(
    Chunk.filter((row) => !isPutOff(row, now) && !within(lent, row.id)),
    Chunk.map(({ id, meter, sample }) => ({ id, sample, meter })),
  )

export const settle =
  (verdicts: ReadonlyArray<Verdict>, at: Instant, steady: Instant) =>
  (rows: SpoolRows): SpoolRows => {
    const verdictOf = HashMap.fromIterable(verdicts.map((verdict) => [verdict.id, verdict] as const))
    const waiting: Array<Waiting> = []
    const quarantine = [...rows.quarantine]
    for (const row of rows.waiting) {
      const verdict = Option.getOrUndefined(HashMap.get(verdictOf, row.id))
      if (verdict === undefined) waiting.push(row)
      else if (verdict._tag === "Postponed") waiting.push({ ...row, notBeforeMs: verdict.until.epochMillis })
      else if (verdict._tag === "Quarantined") {
        const { code, message } = verdict
        if (quarantine.length < quarantineLimit) {
          quarantine.push({ id: row.id, sample: row.sample, meter: row.meter, code, message, at })
        } else waiting.push({ ...row, notBeforeMs: steady.epochMillis + longestPutOffMs })
      }
    }
    return { ...rows, waiting: Chunk.unsafeFromArray(waiting), quarantine: Arr.sort(quarantine, byId) }
  }

export const retime =
  (after: Instant, before: Instant, byMs: number) =>
  (rows: SpoolRows): readonly [number, SpoolRows] => {
    const moves = ({ sample: { ts } }: Waiting) =>
      ts.epochMillis > after.epochMillis && ts.epochMillis < before.epochMillis
    const moved = ({ sample, ...row }: Waiting): Waiting => ({
      ...row,
      sample: { ...sample, ts: fromEpochMillis(sample.ts.epochMillis + byMs), tsSource: "elapsed" },
      meter: null,
    })
    const waiting = Chunk.map(rows.waiting, (row) => (moves(row) ? moved(row) : row))
    return [Chunk.size(Chunk.filter(rows.waiting, moves)), { ...rows, waiting }]
  }

export const retry =
  (ids: ReadonlyArray<number> | "all") =>
  (rows: SpoolRows): readonly [number, SpoolRows] => {
    const [quarantine, chosen] = Arr.partition(rows.quarantine, ({ id }) => ids === "all" || ids.includes(id))
    const again = chosen.map(({ id, meter, sample }) => ({ id, sample, meter, notBeforeMs: 0 }))
    const waiting = pipe(rows.waiting, Chunk.appendAll(Chunk.fromIterable(again)), Chunk.sort(byId))
    return [chosen.length, { ...rows, waiting, quarantine }]
  }
