import { Schema } from "effect"
import { billedFloorW } from "./MonthlyPeak.ts"
import { betweenSamplesWh, type QuarterHour } from "./QuarterHour.ts"
import { quarterHourMs, quarterHoursPerHour, quarterPowerW } from "./QuarterTime.ts"

/**
 * How the energy before the quarter-hour's first sample is known: from the register, from the meter's own mean at that
 * sample, as a share of a longer gap, or not at all.
 */
export const StartSource = Schema.Literal("register", "meter", "spread", "unknown")
export type StartSource = typeof StartSource.Type

/** The running quarter-hour as its last sample leaves it; powers in whole watts of import. */
export interface RunningQuarter {
  readonly startMs: number
  readonly endMs: number
  readonly elapsedMs: number
  readonly energyImportWh: number
  readonly startSource: StartSource
  /** Energy so far over the time so far. */
  readonly averageW: number
  /** Energy so far, for certain, over the whole quarter-hour: it cannot end below this. */
  readonly certainW: number
  /** What it ends at when the mean of the last minute goes on. */
  readonly projectedW: number
  /** The import that may run for the rest without passing the monthly peak so far, or what is billed anyhow. */
  readonly allowanceW: number
  /** The meter's own count of the energy so far over the whole quarter-hour. */
  readonly meterW: number | null
  /** What the meter says less what was computed, as power over the whole quarter-hour. */
  readonly differenceW: number | null
  readonly coverage: number
}

/** What goes with a running quarter-hour at its last sample. */
export interface RunningReadings {
  readonly nowMs: number
  /** Mean import of the last 60 s. */
  readonly recentW: number
  /** The month's peak so far, 0 where there is none. */
  readonly monthlyPeakW: number
  /**
   * The meter's `average_power_15m_w` at the first and at the last sample: a ramp from 0, energy so far over 900 s.
   * Source: telegrams, where it times 900 s over the time elapsed is the power.
   */
  readonly firstMeterW: number | null
  readonly meterW: number | null
}

const startsByRegister = ({ first, joined, method, startMs }: QuarterHour): boolean =>
  first.tsMs === startMs || (joined && method !== "spread")

/** Whether `firstMeterW` matters. */
export const startsByMeter = (quarter: QuarterHour): boolean => !startsByRegister(quarter) && quarter.method !== "power"

const startSourceOf = (quarter: QuarterHour, firstMeterW: number | null): StartSource => {
  if (startsByRegister(quarter)) return "register"
  if (!startsByMeter(quarter)) return "unknown"
  if (firstMeterW !== null) return "meter"
  return quarter.joined ? "spread" : "unknown"
}

/** The running quarter-hour's figures at its last sample. */
export const runningQuarter = (quarter: QuarterHour, facts: RunningReadings): RunningQuarter => {
  const { firstMeterW, meterW, monthlyPeakW, nowMs, recentW } = facts
  const endMs = quarter.startMs + quarterHourMs
  const elapsedMs = nowMs - quarter.startMs
  const remainingHours = (endMs - nowMs) / 3_600_000
  const targetWh = Math.max(monthlyPeakW, billedFloorW) / quarterPowerW(1)
  const startSource = startSourceOf(quarter, firstMeterW)
  const headWh = startSource === "meter" ? Math.floor((firstMeterW ?? 0) / quarterHoursPerHour) : 0
  const energyImportWh = startSource === "meter" ? (betweenSamplesWh(quarter) ?? 0) + headWh : quarter.energyImportWh
  return {
    startMs: quarter.startMs,
    endMs,
    elapsedMs,
    energyImportWh,
    startSource,
    averageW: Math.round(elapsedMs > 0 ? (energyImportWh * 3_600_000) / elapsedMs : recentW),
    certainW: quarterPowerW(quarter.method === "power" ? quarter.energyImportWh : quarter.lowWh + headWh),
    projectedW: Math.round(quarterPowerW(energyImportWh + recentW * remainingHours)),
    allowanceW: Math.max(0, Math.floor((targetWh - energyImportWh) / remainingHours)),
    meterW,
    differenceW: meterW === null ? null : Math.round(meterW - quarterPowerW(energyImportWh)),
    coverage: elapsedMs > 0 ? Math.min(1, (quarter.coverage * quarterHourMs) / elapsedMs) : 1,
  }
}
