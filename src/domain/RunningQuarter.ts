import type { QuarterHour } from "./QuarterHour.ts"
import { quarterHourMs, quarterPowerW } from "./QuarterTime.ts"
import { billedFloorW } from "./MonthlyPeak.ts"

/** The running quarter-hour as its last sample leaves it; powers in whole watts of import. */
export interface RunningQuarter {
  readonly startMs: number
  readonly endMs: number
  readonly elapsedMs: number
  readonly energyImportWh: number
  /** Energy so far over the time so far. */
  readonly averageW: number
  /** Energy so far, for certain, over the whole quarter-hour: it cannot end below this. */
  readonly certainW: number
  /** What it ends at when the mean of the last minute goes on. */
  readonly projectedW: number
  /** The import that may run for the rest without passing the monthly peak so far, or what is billed anyhow. */
  readonly allowanceW: number
  readonly coverage: number
}

/**
 * The running quarter-hour's figures at its last sample, `nowMs`. `recentW` is the mean import of the last 60 s,
 * `monthlyPeakW` the month's peak so far.
 */
export const runningQuarter = (
  quarter: QuarterHour,
  nowMs: number,
  recentW: number,
  monthlyPeakW: number,
): RunningQuarter => {
  const endMs = quarter.startMs + quarterHourMs
  const elapsedMs = nowMs - quarter.startMs
  const remainingHours = (endMs - nowMs) / 3_600_000
  const targetWh = Math.max(monthlyPeakW, billedFloorW) / quarterPowerW(1)
  return {
    startMs: quarter.startMs,
    endMs,
    elapsedMs,
    energyImportWh: quarter.energyImportWh,
    averageW: Math.round(elapsedMs > 0 ? (quarter.energyImportWh * 3_600_000) / elapsedMs : recentW),
    certainW: quarterPowerW(quarter.method === "power" ? quarter.energyImportWh : quarter.lowWh),
    projectedW: Math.round(quarterPowerW(quarter.energyImportWh + recentW * remainingHours)),
    allowanceW: Math.max(0, Math.floor((targetWh - quarter.energyImportWh) / remainingHours)),
    coverage: elapsedMs > 0 ? Math.min(1, (quarter.coverage * quarterHourMs) / elapsedMs) : 1,
  }
}
