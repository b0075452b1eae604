import { quarterHourMs, quarterStartMs } from "./QuarterTime.ts"
import { follows } from "./Registers.ts"
import { doubtReachMs } from "./WindowFacts.ts"

/** What of a spooled sample decides whether it may go. */
export interface ThinningRow {
  readonly id: number
  readonly tsMs: number
  readonly powerW: number
  readonly importKwh: number | null
  readonly exportKwh: number | null
  /** All that is stored as changes: tariff, peaks, sub-meters. A row that says something new is kept. */
  readonly said: string
  /** The meter said something of itself. */
  readonly saysOfItself: boolean
}

/** One row in `stepMs` is left, of quarter-hours whose energy their registers give, or of the others. */
export interface ThinningStage {
  readonly stepMs: number
  readonly registers: boolean
}

/** In this order rows give way: detail first, rows on whose power an energy rests last. */
export const thinningStages: ReadonlyArray<ThinningStage> = [
  { stepMs: 10_000, registers: true },
  { stepMs: 60_000, registers: true },
  { stepMs: 10_000, registers: false },
  { stepMs: 60_000, registers: false },
]

const hasRegisters = ({ exportKwh, importKwh, powerW }: ThinningRow): boolean =>
  importKwh !== null && (exportKwh !== null || powerW >= 0)

/** The rows of each quarter-hour, in the order given. */
const byQuarter = (rows: ReadonlyArray<ThinningRow>): ReadonlyArray<ReadonlyArray<ThinningRow>> => {
  const quarters: Array<Array<ThinningRow>> = []
  let startMs = NaN
  for (const row of rows) {
    if (quarterStartMs(row.tsMs) !== startMs) quarters.push([])
    startMs = quarterStartMs(row.tsMs)
    quarters.at(-1)?.push(row)
  }
  return quarters
}

const stepOf = (tsMs: number, stepMs: number): number => Math.floor(tsMs / stepMs)

/** Both sides of a gap stay, so that no gap grows beyond two steps and coverage is what it was. */
const isApart = (a: ThinningRow, b: ThinningRow, stepMs: number): boolean => b.tsMs < a.tsMs || b.tsMs - a.tsMs > stepMs

const mayGo = (rows: ReadonlyArray<ThinningRow>, stepMs: number): ReadonlyArray<number> =>
  rows.flatMap((row, i) => {
    const before = rows[i - 1]
    const after = rows[i + 1]
    return before === undefined ||
      after === undefined ||
      stepOf(before.tsMs, stepMs) !== stepOf(row.tsMs, stepMs) ||
      isApart(before, row, stepMs) ||
      isApart(row, after, stepMs) ||
      row.said !== before.said ||
      row.saysOfItself
      ? []
      : [row.id]
  })

export interface Thinned {
  /** The rows that may go. */
  readonly ids: ReadonlyArray<number>
  /** The last row that has been decided upon; null when no quarter-hour is complete. */
  readonly mark: number | null
}

/** Where a reading does not follow from the one before, or another meter may have taken over. */
const doubts = (rows: ReadonlyArray<ThinningRow>): ReadonlyArray<number> =>
  rows.flatMap((row, i) => {
    const before = rows[i - 1]
    return row.saysOfItself || (before !== undefined && !follows(before, row)) ? [row.tsMs] : []
  })

/** A quarter-hour in doubt is decided by all readings around it: none of them may go. */
const reachMs = doubtReachMs + quarterHourMs

/**
 * Thins samples in the order they were taken; those up to the id `after` are there for what they say of the others.
 * The first and the last of each quarter-hour stay, so that what its registers say, its bounds and whether it may set
 * a peak are what they were. What lies less than an hour and a half before the end is left alone.
 */
export const thin = (rows: ReadonlyArray<ThinningRow>, { registers, stepMs }: ThinningStage, after = 0): Thinned => {
  const endMs = rows.at(-1)?.tsMs ?? 0
  const doubted = doubts(rows)
  const decided = byQuarter(rows).filter(
    ([first, ...others]) =>
      first !== undefined &&
      (others.at(-1) ?? first).id > after &&
      quarterStartMs(first.tsMs) + quarterHourMs + reachMs <= endMs,
  )
  const certain = decided.filter(
    ([first]) => !doubted.some((tsMs) => Math.abs(tsMs - (first?.tsMs ?? 0)) < reachMs + quarterHourMs),
  )
  return {
    ids: certain.flatMap((quarter) => (quarter.every(hasRegisters) === registers ? mayGo(quarter, stepMs) : [])),
    mark: decided.at(-1)?.at(-1)?.id ?? null,
  }
}
