import { Option } from "effect"
import type { DecidedMonth } from "./MonthEvidence.ts"
import { billedFloorW } from "./MonthlyPeak.ts"
import { quarterHourMs } from "./QuarterTime.ts"
import type { CapacityTariff, MaximumTariff } from "./TariffTable.ts"

/** Months whose mean is billed. */
export const billedMonths = 12

/**
 * Mean of the monthly peaks in kW, each at least 2.5 kW; over the months that are known, none filled in. Source: the
 * Flemish tariff decree, definition of the mean monthly peak.
 */
export const meanPeakKw = (peaksW: ReadonlyArray<number>): number | null =>
  peaksW.length === 0
    ? null
    : peaksW.reduce((sum, peakW) => sum + Math.max(peakW, billedFloorW), 0) / peaksW.length / 1000

const countedW = (months: ReadonlyArray<DecidedMonth>): ReadonlyArray<number> =>
  months
    .slice(-billedMonths)
    .flatMap(({ incomplete, peak }) => (incomplete || Option.isNone(peak) ? [] : [peak.value.peakW]))

/**
 * What is billed for the last 12 closed months, and what will be if the running month's peak stays: its own with the
 * 11 closed ones before it. `months` is in order.
 */
export const billedPeaks = (months: ReadonlyArray<DecidedMonth>) => ({
  toDateKw: meanPeakKw(countedW(months.filter(({ running }) => !running))),
  projectedKw: meanPeakKw(countedW(months)),
})

/** Costs of a year in euros without VAT. */
export interface CapacityCost {
  readonly capacityEur: number
  /** The network's cost per kWh; null where the tariff or the year's import is not known. */
  readonly perKwhEur: number | null
  /** What both together may not pass; null where they are not known. */
  readonly ceilingEur: number | null
  /** What is owed in any case: 2.5 kW. */
  readonly minimumEur: number
  /** Both, at most the ceiling, at least the minimum; capacity alone where the ceiling is not known. */
  readonly totalEur: number
  readonly capped: boolean
}

/** What a mean monthly peak costs in a year in which `importKwh` are taken, null where that is not known. */
export const capacityCost = (
  meanKw: number,
  importKwh: number | null,
  tariff: CapacityTariff,
  maximum: Option.Option<MaximumTariff>,
): CapacityCost => {
  const capacityEur = meanKw * tariff.eurPerKwYear
  const minimumEur = (billedFloorW / 1000) * tariff.eurPerKwYear
  if (importKwh === null || tariff.eurPerKwh === null || Option.isNone(maximum)) {
    return { capacityEur, perKwhEur: null, ceilingEur: null, minimumEur, totalEur: capacityEur, capped: false }
  }
  const perKwhEur = importKwh * tariff.eurPerKwh
  const ceilingEur = importKwh * maximum.value.eurPerKwh
  const capped = capacityEur + perKwhEur > ceilingEur
  const totalEur = Math.max(minimumEur, Math.min(capacityEur + perKwhEur, ceilingEur))
  return { capacityEur, perKwhEur, ceilingEur, minimumEur, totalEur, capped }
}

const yearMs = 365 * 86_400_000
const enoughOfAYear = 0.9

/** Where the year up to `nowMs` begins: its first quarter-hour's start. */
export const yearBeforeMs = (nowMs: number): number => Math.ceil((nowMs - yearMs) / quarterHourMs) * quarterHourMs

/** The import of the year up to `nowMs` from what is known of it, kWh; null where too little is. */
export const yearsImportKwh = (
  quarters: ReadonlyArray<{ readonly startMs: number; readonly energyImportWh: number; readonly spanMs: number }>,
  nowMs: number,
): number | null => {
  const year = quarters.filter(({ startMs }) => startMs >= yearBeforeMs(nowMs))
  const spanMs = year.reduce((sum, quarter) => sum + quarter.spanMs, 0)
  if (spanMs < enoughOfAYear * yearMs) return null
  return (year.reduce((sum, { energyImportWh }) => sum + energyImportWh, 0) / 1000) * (yearMs / spanMs)
}
