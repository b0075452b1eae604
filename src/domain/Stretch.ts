import type { Range } from "./Calendar.ts"
import type { QuarterHour, QuarterHourView } from "./QuarterHour.ts"
import { quarterHourMs } from "./QuarterTime.ts"

/** The quarter-hour that sets a peak. */
export interface Highest {
  readonly startMs: number
  readonly energyImportWh: number
}

/** What quarter-hours add up to. `highest` is the highest eligible one, of equals the first. */
export interface Sums {
  readonly energyImportWh: number
  readonly energyExportWh: number
  readonly spanMs: number
  readonly coveredMs: number
  readonly maxPowerW: number | null
  readonly highest: Highest | null
}

/** Quarter-hours side by side of which only the sums matter: nothing that is not stored can change one of them. */
export interface Stretch extends Sums {
  readonly startMs: number
  readonly endMs: number
}

export interface Condensed {
  /** Those of which each matters by itself, in order. */
  readonly stored: ReadonlyArray<QuarterHour>
  readonly stretches: ReadonlyArray<Stretch>
}

const higher = (a: number | null, b: number | null): number | null => (a === null || (b !== null && b > a) ? b : a)

const highestOf = (a: Highest | null, b: Highest | null): Highest | null => {
  if (a === null || b === null) return a ?? b
  if (a.energyImportWh !== b.energyImportWh) return a.energyImportWh > b.energyImportWh ? a : b
  return a.startMs <= b.startMs ? a : b
}

const plus = (a: Sums, b: Sums): Sums => ({
  energyImportWh: a.energyImportWh + b.energyImportWh,
  energyExportWh: a.energyExportWh + b.energyExportWh,
  spanMs: a.spanMs + b.spanMs,
  coveredMs: a.coveredMs + b.coveredMs,
  maxPowerW: higher(a.maxPowerW, b.maxPowerW),
  highest: highestOf(a.highest, b.highest),
})

const none: Sums = { energyImportWh: 0, energyExportWh: 0, spanMs: 0, coveredMs: 0, maxPowerW: null, highest: null }

const sumsOf = ({
  coverage,
  eligible,
  energyExportWh,
  energyImportWh,
  maxPowerW,
  spanMs,
  startMs,
}: QuarterHourView) => ({
  energyImportWh,
  energyExportWh,
  spanMs,
  coveredMs: Math.round(coverage * quarterHourMs),
  maxPowerW,
  highest: eligible ? { startMs, energyImportWh } : null,
})

/** What quarter-hours, and stretches of them, add up to. */
export const sumUp = (quarters: ReadonlyArray<QuarterHourView>, stretches: ReadonlyArray<Stretch>): Sums =>
  stretches.reduce(plus, quarters.map(sumsOf).reduce(plus, none))

/** What of a list is not in any stretch; both are in order. */
export const besideStretches = <A extends { readonly startMs: number }>(
  list: ReadonlyArray<A>,
  stretches: ReadonlyArray<Stretch>,
): ReadonlyArray<A> => {
  let at = 0
  return list.filter(({ startMs }) => {
    while (startMs >= (stretches[at]?.endMs ?? Infinity)) at++
    return startMs < (stretches[at]?.startMs ?? Infinity)
  })
}

/** A UTC day: a store may keep the sums of whole ones. */
export const dayMs = 96 * quarterHourMs

/** Pieces that follow each other, cut further at instants; those longer than a day are cut at UTC midnights. */
export const cutFurther = (pieces: ReadonlyArray<Range>, atMs: ReadonlyArray<number>): ReadonlyArray<Range> =>
  pieces.flatMap(({ fromMs, toMs }) => {
    const cuts = [...atMs.filter((at) => at > fromMs && at < toMs).sort((a, b) => a - b), toMs]
    let from = fromMs
    return cuts.flatMap((to) => {
      const parts: Array<Range> = []
      while (from < to) {
        const end = to - from > dayMs ? (Math.floor(from / dayMs) + 1) * dayMs : to
        parts.push({ fromMs: from, toMs: end })
        from = end
      }
      return parts
    })
  })

/**
 * Sums up the pieces of a range, which follow each other, where nothing is left to decide: all quarter-hours of the
 * piece and of those before and after it are stored, and each may set a peak, as an import may take the place of one
 * that may not. `stored` is in order and reaches one row beyond the range on either side, where there is one.
 */
export const condense = (
  stored: ReadonlyArray<QuarterHour>,
  pieces: ReadonlyArray<Range>,
  hasImports: boolean,
): Condensed => {
  const cut = pieces.map(({ fromMs, toMs }) => {
    const quarters = stored.filter(({ startMs }) => startMs >= fromMs && startMs < toMs)
    return { quarters, full: quarters.length * quarterHourMs === toMs - fromMs }
  })
  const stretches = cut.flatMap(({ full, quarters }, i): ReadonlyArray<Stretch> => {
    const between = cut[i - 1]?.full === true && cut[i + 1]?.full === true
    const decided = !hasImports || quarters.every(({ eligible }) => eligible)
    const [first] = quarters
    return first !== undefined && full && between && decided
      ? [{ startMs: first.startMs, endMs: first.startMs + quarters.length * quarterHourMs, ...sumUp(quarters, []) }]
      : []
  })
  return { stored: besideStretches(stored, stretches), stretches }
}
