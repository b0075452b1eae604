import type { Range } from "./Calendar.ts"
import type { QuarterHourView } from "./QuarterHour.ts"
import { quarterPowerW } from "./QuarterTime.ts"
import { type Stretch, type Sums, sumUp } from "./Stretch.ts"

/**
 * One point of a series. Energies are watt-hours, `meanPowerW` is import less export over the time that is known, in
 * whole watts.
 */
export interface SeriesPoint extends Range {
  readonly meanPowerW: number | null
  readonly maxPowerW: number | null
  readonly energyImportWh: number
  readonly energyExportWh: number
  /** The highest eligible quarter-hour, as power in watts. */
  readonly peakQuarterW: number | null
  readonly coverage: number
}

const pointOf = (range: Range, known: Sums): SeriesPoint => ({
  ...range,
  energyImportWh: known.energyImportWh,
  energyExportWh: known.energyExportWh,
  meanPowerW:
    known.spanMs === 0 ? null : Math.round(((known.energyImportWh - known.energyExportWh) * 3_600_000) / known.spanMs),
  maxPowerW: known.maxPowerW,
  peakQuarterW: known.highest === null ? null : quarterPowerW(known.highest.energyImportWh),
  coverage: known.coveredMs / (range.toMs - range.fromMs),
})

/** Splits what is in order of time at the ends of the pieces, which follow each other. */
const splitAt = <A extends { readonly startMs: number }>(pieces: ReadonlyArray<Range>, list: ReadonlyArray<A>) => {
  let at = 0
  return pieces.map(({ toMs }): ReadonlyArray<A> => {
    const from = at
    while (at < list.length && (list[at]?.startMs ?? Infinity) < toMs) at++
    return list.slice(from, at)
  })
}

/**
 * Quarter-hours in order, and stretches of them that no piece cuts, folded into the pieces of a range; a piece without
 * any known one gives no point.
 */
export const foldSeries = (
  quarters: ReadonlyArray<QuarterHourView>,
  pieces: ReadonlyArray<Range>,
  stretches: ReadonlyArray<Stretch> = [],
): ReadonlyArray<SeriesPoint> => {
  const stretched = splitAt(pieces, stretches)
  return splitAt(pieces, quarters).flatMap((single, i) => {
    const [range, summed = []] = [pieces[i], stretched[i]]
    return range === undefined || single.length + summed.length === 0 ? [] : [pointOf(range, sumUp(single, summed))]
  })
}
