import { Schema } from "effect"

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
