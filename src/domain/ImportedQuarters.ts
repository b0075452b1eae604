import { type ImportedQuarter, isMetered } from "./ImportedQuarter.ts"
import type { QuarterHourView } from "./QuarterHour.ts"
import { quarterHourMs, quarterPowerW } from "./QuarterTime.ts"

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
