import { Schema } from "effect"
import type { QuarterHourView } from "./QuarterHour.ts"
import { quarterHourMs, quarterPowerW } from "./QuarterTime.ts"

/**
 * A quarter-hour from a file of the grid operator, the vendor or another program. Energies are whole watt-hours;
 * `spanS` is 3600 where it is an even share of an hour. `validated`: it was measured, not estimated.
 */
export interface ImportedQuarter {
  readonly startMs: number
  readonly energyImportWh: number
  readonly energyExportWh: number | null
  readonly spanS: 900 | 3600
  readonly source: ImportSource
  readonly validated: boolean
}

/** Whose file it is: the grid operator's, the vendor's, another program's. */
export const ImportSource = Schema.Literal("fluvius", "homewizard", "dsmr-reader")
export type ImportSource = typeof ImportSource.Type

const authority: Record<ImportSource, number> = { fluvius: 3, homewizard: 2, "dsmr-reader": 1 }
const rankOf = ({ source, spanS, validated }: ImportedQuarter): number =>
  (validated ? 100 : 0) + (spanS === 900 ? 10 : 0) + authority[source]

const sameValues = (a: ImportedQuarter, b: ImportedQuarter): boolean =>
  a.energyImportWh === b.energyImportWh && a.energyExportWh === b.energyExportWh && rankOf(a) === rankOf(b)

/** What an import changes: quarter-hours that are new, other than before, the same, or already better known. */
export interface ImportPlan {
  readonly write: ReadonlyArray<ImportedQuarter>
  readonly inserted: number
  readonly changed: number
  readonly unchanged: number
  readonly kept: number
}

/** Decides which of an import's quarter-hours are stored: measured before estimated, finer, the operator's first. */
export const planImport = (
  stored: ReadonlyArray<ImportedQuarter>,
  incoming: ReadonlyArray<ImportedQuarter>,
): ImportPlan => {
  const known = new Map(stored.map((quarter) => [quarter.startMs, quarter]))
  const write: Array<ImportedQuarter> = []
  const counts = { inserted: 0, changed: 0, unchanged: 0, kept: 0 }
  for (const quarter of incoming) {
    const there = known.get(quarter.startMs)
    if (there !== undefined && sameValues(there, quarter)) counts.unchanged += 1
    else if (there !== undefined && rankOf(there) > rankOf(quarter)) counts.kept += 1
    else {
      counts[there === undefined ? "inserted" : "changed"] += 1
      write.push(quarter)
    }
  }
  return { write, ...counts }
}

/** Whether an imported quarter-hour is one that was metered, so that it may set a peak. */
export const isMetered = ({ spanS, validated }: ImportedQuarter): boolean => validated && spanS === 900

const viewOf = (imported: ImportedQuarter, own: QuarterHourView | undefined): QuarterHourView => {
  const energyExportWh = imported.energyExportWh ?? own?.energyExportWh ?? 0
  const metered = isMetered(imported)
  return {
    startMs: imported.startMs,
    sampleCount: own?.sampleCount ?? 0,
    energyImportWh: imported.energyImportWh,
    energyExportWh,
    lowWh: metered ? imported.energyImportWh : 0,
    highWh: metered ? imported.energyImportWh : null,
    meanPowerW: quarterPowerW(imported.energyImportWh - energyExportWh),
    maxPowerW: own?.maxPowerW ?? null,
    coverage: 1,
    spanMs: quarterHourMs,
    method: "import",
    eligible: metered,
  }
}

/** Shares of a whole number by weight, whole themselves, that add up to it; even where all weights are 0. */
const shares = (total: number, weights: ReadonlyArray<number>): ReadonlyArray<number> => {
  const sum = weights.reduce((a, b) => a + b, 0)
  let weight = 0
  let given = 0
  return weights.map((each) => {
    weight += sum === 0 ? 1 / weights.length : each / sum
    const share = Math.round(total * weight) - given
    given += share
    return share
  })
}

/** What our registers say of a gap stays true: what an import knows of it is taken from what we only spread. */
const settleGap = (
  gap: ReadonlyArray<QuarterHourView>,
  importedAt: (startMs: number) => ImportedQuarter | undefined,
): ReadonlyArray<QuarterHourView> => {
  const taken = gap.map((own) => importedAt(own.startMs))
  if (taken.every((imported) => imported === undefined)) return gap
  const open = gap.filter((_, i) => taken[i] === undefined)
  const rest = (register: "energyImportWh" | "energyExportWh") =>
    Math.max(
      0,
      gap.reduce(
        (sum, own, i) => sum + own[register] - (taken[i] === undefined ? 0 : (taken[i]?.[register] ?? own[register])),
        0,
      ),
    )
  const imports = shares(
    rest("energyImportWh"),
    open.map(({ energyImportWh }) => energyImportWh),
  )
  const exports = shares(
    rest("energyExportWh"),
    open.map(({ energyExportWh }) => energyExportWh),
  )
  let at = 0
  return gap.map((own, i) => {
    const imported = taken[i]
    if (imported !== undefined) return viewOf(imported, own)
    const settled = { ...own, energyImportWh: imports[at] ?? 0, energyExportWh: exports[at] ?? 0 }
    at += 1
    return settled
  })
}

/** Quarter-hours side by side that may not set a peak, in one list each; the others by themselves. */
const gapsOf = (own: ReadonlyArray<QuarterHourView>): ReadonlyArray<ReadonlyArray<QuarterHourView>> => {
  const groups: Array<Array<QuarterHourView>> = []
  for (const quarter of own) {
    const group = groups.at(-1)
    const previous = group?.at(-1)
    const adjacent = previous !== undefined && quarter.startMs - previous.startMs === quarterHourMs
    if (group !== undefined && adjacent && !previous.eligible && !quarter.eligible) group.push(quarter)
    else groups.push([quarter])
  }
  return groups
}

/**
 * Our quarter-hours with what was imported: a metered one takes the place of ours where ours may not set a peak,
 * never of one that may; an estimated one, or a share of an hour, stands only where we have none.
 */
export const withImported = (
  own: ReadonlyArray<QuarterHourView>,
  imported: ReadonlyArray<ImportedQuarter>,
): ReadonlyArray<QuarterHourView> => {
  if (imported.length === 0) return own
  const known = new Set(own.map(({ startMs }) => startMs))
  const metered = new Map(imported.filter(isMetered).map((quarter) => [quarter.startMs, quarter]))
  const settled = gapsOf(own).flatMap((gap) =>
    gap[0]?.eligible === true ? gap : settleGap(gap, (startMs) => metered.get(startMs)),
  )
  const added = imported.filter(({ startMs }) => !known.has(startMs)).map((quarter) => viewOf(quarter, undefined))
  return [...settled, ...added].sort((a, b) => a.startMs - b.startMs)
}

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
