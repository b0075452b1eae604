import { type DateTime, Option, Order, Schema } from "effect"
import { monthOf, type Range } from "./Calendar.ts"
import type { QuarterHourView } from "./QuarterHour.ts"
import { quarterHourMs, quarterPowerW, quarterStartMs } from "./QuarterTime.ts"
import type { MeteredPeak, Month, Sample } from "./Sample.ts"

/** A month's capacity is billed as if its peak had been at least this. Source: Flemish tariff decree, minimum 2.5 kW. */
export const billedFloorW = 2_500

/** Who says what the monthly peak is. */
export const PeakSource = Schema.Literal("manual", "meter", "import", "computed")
export type PeakSource = typeof PeakSource.Type

/** A monthly peak and the end of the quarter-hour that set it, where that is known. */
export interface Peak {
  readonly peakW: number
  readonly peakTsMs: number | null
}

/** A monthly peak that someone typed from a bill. */
export interface ManualPeak {
  readonly month: Month
  readonly peakW: number
}

/** A metered peak, and when the meter last said so. */
export interface ReportedPeak extends MeteredPeak {
  readonly reportedAtMs: number
}

/**
 * The monthly peaks that samples report, the last report of each month. The stamp is the quarter-hour's end, so its
 * month is that of the second before; zero and null are no peak.
 */
export const reportedPeaks = (samples: ReadonlyArray<Sample>, zone: DateTime.TimeZone): ReadonlyArray<ReportedPeak> => {
  const months = new Map<number, Month>()
  const monthOfStamp = (stampMs: number): Month => {
    const month = months.get(stampMs) ?? monthOf(stampMs - 1000, zone)
    months.set(stampMs, month)
    return month
  }
  const reports: Array<ReportedPeak> = []
  for (const { ts, monthlyPowerPeakW: peakW, monthlyPowerPeakTs: peakTs } of samples) {
    if (peakW === null || peakW <= 0 || peakTs === null) continue
    reports.push({ month: monthOfStamp(peakTs.epochMillis), peakW, peakTs, reportedAtMs: ts.epochMillis })
  }
  return latestReports(reports)
}

/** Of two reports of one month the newer counts; of two at one time the higher. */
export const supersedes = (report: ReportedPeak, other: ReportedPeak): boolean =>
  report.reportedAtMs > other.reportedAtMs || (report.reportedAtMs === other.reportedAtMs && report.peakW > other.peakW)

/** The report of each month that counts. */
export const latestReports = (reports: ReadonlyArray<ReportedPeak>): ReadonlyArray<ReportedPeak> => {
  const latest = new Map<Month, ReportedPeak>()
  for (const report of reports) {
    const other = latest.get(report.month)
    if (other === undefined || supersedes(report, other)) latest.set(report.month, report)
  }
  return [...latest.values()]
}

/** What of a quarter-hour decides whether it sets a peak. */
export type PeakCandidate = Pick<QuarterHourView, "startMs" | "energyImportWh" | "method" | "eligible">

const byPower = Order.combine(
  Order.mapInput(Order.number, ({ energyImportWh }: PeakCandidate) => energyImportWh),
  Order.reverse(Order.mapInput(Order.number, ({ startMs }: PeakCandidate) => startMs)),
)

/** The highest eligible quarter-hour; of equals the first. */
export const highestQuarter = (quarters: ReadonlyArray<PeakCandidate>): Option.Option<PeakCandidate> =>
  quarters
    .filter(({ eligible }) => eligible)
    .reduce<Option.Option<PeakCandidate>>(
      (best, quarter) =>
        Option.some(Option.match(best, { onNone: () => quarter, onSome: (b) => Order.max(byPower)(b, quarter) })),
      Option.none(),
    )

const peakOf = ({ energyImportWh, startMs }: PeakCandidate): Peak => ({
  peakW: quarterPowerW(energyImportWh),
  peakTsMs: startMs + quarterHourMs,
})

/** The peak that is the highest eligible quarter-hour's. */
export const computedPeak = (quarters: ReadonlyArray<PeakCandidate>): Option.Option<Peak> =>
  Option.map(highestQuarter(quarters), peakOf)

/** What is known of a month's peak, from everyone who says something of it. */
export interface PeakEvidence {
  /** The month's quarter-hours that may set it, with what was imported. */
  readonly quarters: ReadonlyArray<PeakCandidate>
  readonly reported: Option.Option<ReportedPeak>
  /** Typed from the bill. */
  readonly manual: Option.Option<Peak>
  /** The peak of an import that covers the month. */
  readonly imported: Option.Option<Peak>
  /** When another meter was first seen, in order. */
  readonly replacedMs: ReadonlyArray<number>
}

/** The peak of a month, who says so, and what each of them says. `computed` is of our own quarter-hours alone. */
export interface MonthlyPeak {
  readonly peak: Option.Option<Peak>
  readonly source: PeakSource | null
  readonly manual: Option.Option<Peak>
  readonly metered: Option.Option<Peak>
  readonly imported: Option.Option<Peak>
  readonly computed: Option.Option<Peak>
}

interface Sourced {
  readonly peak: Peak
  readonly source: PeakSource
}

/** The highest of the month's quarter-hours, with who measured it. */
const highest = (quarters: ReadonlyArray<PeakCandidate>): Option.Option<Sourced> =>
  Option.map(highestQuarter(quarters), (quarter) => ({
    peak: peakOf(quarter),
    source: quarter.method === "import" ? "import" : "computed",
  }))

const meteredOf = ({ peakTs, peakW }: ReportedPeak): Peak => ({ peakW, peakTsMs: peakTs?.epochMillis ?? null })

/** Of which quarter-hours the meter that made a report knew nothing: those before it was put in place, and since then. */
export const unseenRanges = (
  { reportedAtMs }: ReportedPeak,
  replacedMs: ReadonlyArray<number>,
): ReadonlyArray<Range> => [
  { fromMs: -Infinity, toMs: quarterStartMs(replacedMs.findLast((tsMs) => tsMs <= reportedAtMs) ?? -Infinity) },
  { fromMs: quarterStartMs(reportedAtMs), toMs: Infinity },
]

/** What the meter last reported, or a quarter-hour that it did not see and that is higher. */
const byMeter = ({ quarters, replacedMs }: PeakEvidence, report: ReportedPeak): Sourced => {
  const ranges = unseenRanges(report, replacedMs)
  const unseen = highest(
    quarters.filter(({ startMs }) => ranges.some(({ fromMs, toMs }) => startMs >= fromMs && startMs < toMs)),
  )
  return Option.getOrElse(
    Option.filter(unseen, ({ peak }) => peak.peakW > report.peakW),
    () => ({ peak: meteredOf(report), source: "meter" }),
  )
}

/**
 * The peak of a month: what was typed from the bill; else what the meter last reported of it, or an eligible
 * quarter-hour since that report, or of a meter before this one, that is higher; else that of an import of the whole
 * month; else the highest eligible quarter-hour.
 */
export const monthlyPeak = (evidence: PeakEvidence): MonthlyPeak => {
  const { imported, manual, quarters, reported } = evidence
  const sourced = (source: PeakSource) => (peak: Peak) => ({ peak, source })
  const found = Option.map(manual, sourced("manual")).pipe(
    Option.orElse(() => Option.map(reported, (report) => byMeter(evidence, report))),
    Option.orElse(() => Option.map(imported, sourced("import"))),
    Option.orElse(() => highest(quarters)),
  )
  return {
    peak: Option.map(found, ({ peak }) => peak),
    source: Option.getOrNull(Option.map(found, ({ source }) => source)),
    manual,
    metered: Option.map(reported, meteredOf),
    imported,
    computed: computedPeak(quarters.filter(({ method }) => method !== "import")),
  }
}
