import type { Range } from "./Calendar.ts"
import type { QuarterHourView } from "./QuarterHour.ts"
import { quarterPowerW } from "./QuarterTime.ts"

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

const maxOrNull = (values: ReadonlyArray<number>): number | null => (values.length === 0 ? null : Math.max(...values))

const pointOf = (range: Range, quarters: ReadonlyArray<QuarterHourView>): SeriesPoint => {
  const sum = (of: (quarter: QuarterHourView) => number) => quarters.reduce((total, quarter) => total + of(quarter), 0)
  const energyImportWh = sum(({ energyImportWh }) => energyImportWh)
  const energyExportWh = sum(({ energyExportWh }) => energyExportWh)
  const spanMs = sum(({ spanMs }) => spanMs)
  return {
    ...range,
    energyImportWh,
    energyExportWh,
    meanPowerW: spanMs === 0 ? null : Math.round(((energyImportWh - energyExportWh) * 3_600_000) / spanMs),
    maxPowerW: maxOrNull(quarters.flatMap(({ maxPowerW }) => (maxPowerW === null ? [] : [maxPowerW]))),
    peakQuarterW: maxOrNull(
      quarters.flatMap(({ eligible, energyImportWh }) => (eligible ? [quarterPowerW(energyImportWh)] : [])),
    ),
    coverage: sum(({ coverage }) => coverage * 900_000) / (range.toMs - range.fromMs),
  }
}

/** Quarter-hours in order, folded into the pieces of a range; a piece without any known one gives no point. */
export const foldSeries = (
  quarters: ReadonlyArray<QuarterHourView>,
  pieces: ReadonlyArray<Range>,
): ReadonlyArray<SeriesPoint> => {
  let at = 0
  return pieces.flatMap((range) => {
    const from = at
    while (at < quarters.length && (quarters[at]?.startMs ?? Infinity) < range.toMs) at++
    return at === from ? [] : [pointOf(range, quarters.slice(from, at))]
  })
}
