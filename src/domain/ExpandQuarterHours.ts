import type { QuarterHour, QuarterHourView } from "./QuarterHour.ts"
import { quarterHourMs, quarterPowerW } from "./QuarterTime.ts"
import { resolutionWh, toWh } from "./Registers.ts"
import type { Stretch } from "./Stretch.ts"

/** A register in Wh at an instant of the gap from the end of one stored quarter-hour to the start of the next. */
const lineOf = (fromMs: number, toMs: number, fromWh: number, toWh: number) => (atMs: number) =>
  Math.round(fromWh + ((toWh - fromWh) * (atMs - fromMs)) / (toMs - fromMs))

const zero = () => 0

/** The quarter-hours of the gap between two stored ones: its total, known, split evenly, assumed. */
const spread = (a: QuarterHour, b: QuarterHour): ReadonlyArray<QuarterHourView> => {
  const fromMs = a.startMs + quarterHourMs
  if (!b.joined || a.endImportWh === null || b.startImportWh === null) return []
  const imported = lineOf(fromMs, b.startMs, a.endImportWh, b.startImportWh)
  const hasExport = a.endExportWh !== null && b.startExportWh !== null && b.startExportWh >= a.endExportWh
  const exported = hasExport ? lineOf(fromMs, b.startMs, a.endExportWh, b.startExportWh) : zero
  const [lastWh, firstWh] = [toWh(a.last.importKwh), toWh(b.first.importKwh)]
  const highWh = lastWh === null || firstWh === null ? null : Math.max(0, firstWh - lastWh) + resolutionWh
  const views: Array<QuarterHourView> = []
  for (let startMs = fromMs; startMs < b.startMs; startMs += quarterHourMs) {
    const energyImportWh = imported(startMs + quarterHourMs) - imported(startMs)
    const energyExportWh = exported(startMs + quarterHourMs) - exported(startMs)
    views.push({
      startMs,
      sampleCount: 0,
      energyImportWh,
      energyExportWh,
      lowWh: 0,
      highWh,
      meanPowerW: quarterPowerW(energyImportWh - energyExportWh),
      maxPowerW: null,
      coverage: 0,
      spanMs: quarterHourMs,
      method: "spread",
      eligible: false,
    })
  }
  return views
}

/**
 * Every quarter-hour in [fromMs, toMs) that is known: the stored ones and those of the gaps between them. `stored` is
 * in order and reaches one row beyond the range on either side, where there is one. What lies in a stretch is no gap.
 */
export const expandQuarterHours = (
  stored: ReadonlyArray<QuarterHour>,
  fromMs: number,
  toMs: number,
  stretches: ReadonlyArray<Stretch> = [],
): ReadonlyArray<QuarterHourView> => {
  const stretchesFrom = new Set(stretches.map(({ startMs }) => startMs))
  return stored
    .flatMap((row, i): ReadonlyArray<QuarterHourView> => {
      const next = stored[i + 1]
      const isGap = next !== undefined && !stretchesFrom.has(row.startMs + quarterHourMs)
      return isGap ? [row, ...spread(row, next)] : [row]
    })
    .filter(({ startMs }) => startMs >= fromMs && startMs < toMs)
}
