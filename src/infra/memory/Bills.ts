import { Option, Order } from "effect"
import {
  type ImportedQuarter,
  type ImportPlan,
  type ManualPeak,
  type MeterReading,
  type Month,
  type Place,
  planImport,
  type Range,
  type ReportedPeak,
} from "../../domain/index.ts"
import type { DeviceData } from "./DeviceData.ts"

const byMonth = Order.mapInput(Order.string, ({ month }: { readonly month: Month }) => month)

export const reportedPeaksOf = ({ peaks }: DeviceData): ReadonlyArray<ReportedPeak> => [...peaks.values()].sort(byMonth)

export const manualPeaksOf = ({ manualPeaks }: DeviceData): ReadonlyArray<ManualPeak> =>
  [...manualPeaks].map(([month, peakW]) => ({ month, peakW })).sort(byMonth)

export const setManualPeakIn = (data: DeviceData, month: Month, peakW: Option.Option<number>): boolean => {
  const before = data.manualPeaks.get(month)
  if (before === Option.getOrUndefined(peakW)) return false
  if (Option.isSome(peakW)) data.manualPeaks.set(month, peakW.value)
  else data.manualPeaks.delete(month)
  data.revision += 1
  return true
}

export const importedOf = ({ imported }: DeviceData, { fromMs, toMs }: Range): ReadonlyArray<ImportedQuarter> =>
  [...imported.values()]
    .filter(({ startMs }) => startMs >= fromMs && startMs < toMs)
    .sort((a, b) => a.startMs - b.startMs)

export const importInto = (data: DeviceData, quarters: ReadonlyArray<ImportedQuarter>): ImportPlan => {
  const plan = planImport([...data.imported.values()], quarters)
  for (const quarter of plan.write) data.imported.set(quarter.startMs, quarter)
  if (plan.write.length > 0) data.revision += 1
  return plan
}

export const meterReadingsOf = (
  { readings }: DeviceData,
  meterId: string,
  { fromMs, toMs }: Range,
): ReadonlyArray<MeterReading> => {
  const all = [...readings.values()]
    .filter(({ id }) => id === meterId)
    .map(({ ts, value, unit }): MeterReading => ({ tsMs: ts.epochMillis, value, unit }))
    .sort((a, b) => a.tsMs - b.tsMs)
  const from = all.findIndex(({ tsMs }) => tsMs >= fromMs)
  const to = all.findLastIndex(({ tsMs }) => tsMs < toMs)
  return all.slice(from === -1 ? -1 : Math.max(0, from - 1), to + 2)
}

export const setPlaceIn = (data: DeviceData, place: Place): void => {
  data.place = place
  data.revision += 1
}
