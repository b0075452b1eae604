import type { Household, Load } from "./Household.ts"
import { daySeconds, quarterSeconds } from "./LocalTime.ts"

/** What a household took and returned in a quarter-hour, whole watt-hours. */
export interface PlayedQuarter {
  readonly startMs: number
  readonly energyImportWh: number
  readonly energyExportWh: number | null
}

const weekSeconds = 7 * daySeconds

/** Watts for one of `seconds` equal seconds, so that all of them add up to the energy to the watt-second. */
const share = (energyWh: number, index: number, seconds: number): number =>
  Math.floor((energyWh * 3600 * (index + 1)) / seconds) - Math.floor((energyWh * 3600 * index) / seconds)

/** Power in a second of a quarter-hour: first what was returned, then what was taken, each as long as its share. */
const netWAt = (index: number, importWh: number, exportWh: number): number => {
  if (importWh === 0 && exportWh === 0) return 0
  const exact = (quarterSeconds * exportWh) / (importWh + exportWh)
  const exporting = importWh === 0 || exportWh === 0 ? exact : Math.min(Math.max(Math.round(exact), 1), 899)
  if (index < exporting) return -share(exportWh, index, exporting)
  return share(importWh, index - exporting, quarterSeconds - exporting)
}

/** How long the file can be repeated so that weekdays fall on weekdays; whole days where it is shorter than a week. */
const periodOf = (spanS: number): number => {
  const unit = spanS >= weekSeconds ? weekSeconds : daySeconds
  return Math.max(unit, Math.floor(spanS / unit) * unit)
}

/**
 * A household that does what a file of quarter-hours says, evenly within each, on one phase. Outside the file's time
 * it does so again, whole weeks before or later; a quarter-hour that the file lacks is one without any power.
 */
export const replay = (household: Household, quarters: ReadonlyArray<PlayedQuarter>): Household => {
  const bySecond = new Map(quarters.map((quarter) => [quarter.startMs / 1000, quarter]))
  const starts = [...bySecond.keys()].sort((a, b) => a - b)
  const first = starts[0] ?? 0
  const end = (starts.at(-1) ?? 0) + quarterSeconds
  const periodS = periodOf(end - first)
  const within = (second: number): number => {
    if (second >= first && second < end) return second
    const back = second >= end ? Math.ceil((second - end + 1) / periodS) : -Math.ceil((first - second) / periodS)
    return second - back * periodS
  }
  const loadAt = (second: number): Load => {
    const played = within(second)
    const start = Math.floor(played / quarterSeconds) * quarterSeconds
    const quarter = bySecond.get(start)
    const netW = quarter === undefined ? 0 : netWAt(played - start, quarter.energyImportWh, quarter.energyExportWh ?? 0)
    return { l1W: netW, l2W: 0, l3W: 0, netW, gasMl: 0, waterMl: 0 }
  }
  return { ...household, loadAt }
}
