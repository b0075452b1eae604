import { type ImportedQuarter, isMetered } from "./ImportedQuarter.ts"
import type { QuarterHourView } from "./QuarterHour.ts"
import { quarterPowerW } from "./QuarterTime.ts"

/** How an import compares with ours that may set a peak: the user's check of us against the bill. */
export interface ImportComparison {
  readonly compared: number
  readonly differing: number
  /** The largest difference of power, import less ours, W. */
  readonly largestW: number
  readonly largestAtMs: number | null
  /** Import less ours over all of them, Wh. */
  readonly sumWh: number
}

/** Two counts of whole watt-hours of one quarter-hour differ by rounding up to this. */
const roundingWh = 2

export const compareImported = (
  own: ReadonlyArray<QuarterHourView>,
  imported: ReadonlyArray<ImportedQuarter>,
): ImportComparison => {
  const ours = new Map(own.filter(({ eligible }) => eligible).map((quarter) => [quarter.startMs, quarter]))
  let comparison: ImportComparison = { compared: 0, differing: 0, largestW: 0, largestAtMs: null, sumWh: 0 }
  for (const quarter of imported.filter(isMetered)) {
    const mine = ours.get(quarter.startMs)
    if (mine === undefined) continue
    const differenceWh = quarter.energyImportWh - mine.energyImportWh
    const larger = Math.abs(quarterPowerW(differenceWh)) > Math.abs(comparison.largestW)
    comparison = {
      compared: comparison.compared + 1,
      differing: comparison.differing + (Math.abs(differenceWh) > roundingWh ? 1 : 0),
      largestW: larger ? quarterPowerW(differenceWh) : comparison.largestW,
      largestAtMs: larger ? quarter.startMs : comparison.largestAtMs,
      sumWh: comparison.sumWh + differenceWh,
    }
  }
  return comparison
}
