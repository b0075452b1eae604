import { Option } from "effect"
import type { Range } from "./Calendar.ts"
import { type ImportedQuarter, isMetered } from "./ImportedQuarter.ts"
import { monthlyPeak, type MonthlyPeak, type Peak, type PeakCandidate, type ReportedPeak } from "./MonthlyPeak.ts"
import type { QuarterHourView } from "./QuarterHour.ts"
import { quarterHourMs, quarterPowerW } from "./QuarterTime.ts"
import { type Stretch, sumUp } from "./Stretch.ts"

/** From this share of its time on a month is known well enough to be billed by. */
export const enoughOfAMonth = 0.9

/** The share of a range's time so far that samples or imports cover. */
export const coverageOf = (
  quarters: ReadonlyArray<QuarterHourView>,
  { fromMs, toMs }: Range,
  nowMs: number,
  stretches: ReadonlyArray<Stretch> = [],
): number => {
  const { coveredMs } = sumUp(quarters, stretches)
  const elapsedMs = Math.min(nowMs, toMs) - fromMs
  return elapsedMs > 0 ? Math.min(1, coveredMs / elapsedMs) : 0
}

/** The peak of an import that covers a month. */
export const importedPeak = (
  imported: ReadonlyArray<ImportedQuarter>,
  { fromMs, toMs }: Range,
): Option.Option<Peak> => {
  const metered = imported.filter(
    (quarter) => quarter.startMs >= fromMs && quarter.startMs < toMs && isMetered(quarter),
  )
  const [first] = metered
  if (first === undefined || metered.length * quarterHourMs < enoughOfAMonth * (toMs - fromMs)) return Option.none()
  const best = metered.reduce((a, b) => (b.energyImportWh > a.energyImportWh ? b : a), first)
  return Option.some({ peakW: quarterPowerW(best.energyImportWh), peakTsMs: best.startMs + quarterHourMs })
}

/** All that is stored of a month's peak. */
export interface MonthRecords {
  /** The month's quarter-hours, with what was imported. */
  readonly quarters: ReadonlyArray<QuarterHourView>
  /** Those of which only the sums are known; none lies on both sides of the meter's last report. */
  readonly stretches?: ReadonlyArray<Stretch>
  readonly imported: ReadonlyArray<ImportedQuarter>
  readonly reported: Option.Option<ReportedPeak>
  readonly manual: Option.Option<Peak>
  /** When another meter was first seen, in order. */
  readonly replacedMs: ReadonlyArray<number>
}

/**
 * What a month's records make of its peak. `final`: it will not change, since it was typed, or read from the meter
 * after the month's end. `incomplete`: too little of the month is known for its peak to be billed by.
 */
export interface DecidedMonth extends MonthlyPeak {
  readonly running: boolean
  readonly final: boolean
  readonly incomplete: boolean
  readonly coverage: number
}

/** The quarter-hours that may set a peak; those of a stretch were measured by us. */
export const peakCandidates = (
  quarters: ReadonlyArray<QuarterHourView>,
  stretches: ReadonlyArray<Stretch>,
): ReadonlyArray<PeakCandidate> => [
  ...quarters,
  ...stretches.flatMap(({ highest }) =>
    highest === null ? [] : [{ ...highest, method: "register" as const, eligible: true }],
  ),
]

export const decideMonth = (records: MonthRecords, range: Range, nowMs: number): DecidedMonth => {
  const { imported, quarters, stretches = [] } = records
  const candidates = peakCandidates(quarters, stretches)
  const decided = monthlyPeak({ ...records, quarters: candidates, imported: importedPeak(imported, range) })
  const running = nowMs < range.toMs
  const reportedLate = Option.exists(records.reported, ({ reportedAtMs }) => reportedAtMs >= range.toMs)
  const final = decided.source === "manual" || (decided.source === "meter" && reportedLate)
  const coverage = coverageOf(quarters, range, nowMs, stretches)
  const known = final || (decided.source === "meter" && running) || Option.isSome(decided.imported)
  return { ...decided, running, final, incomplete: !known && coverage < enoughOfAMonth, coverage }
}
