import { Option } from "effect"
import { billedFloorW, type DecidedMonth, fromEpochMillis, type Peak } from "../domain/index.ts"

const watts = (peak: Option.Option<Peak>): number | null => Option.getOrNull(Option.map(peak, ({ peakW }) => peakW))
const stamp = (peak: Option.Option<Peak>) =>
  Option.getOrNull(Option.flatMap(peak, ({ peakTsMs }) => Option.map(Option.fromNullable(peakTsMs), fromEpochMillis)))

/** What a month's peak is, who says so, and what each of them says. */
export const peakFields = (month: DecidedMonth) => ({
  status: month.running ? ("running" as const) : ("closed" as const),
  monthlyPeakW: watts(month.peak),
  monthlyPeakTs: stamp(month.peak),
  source: month.source,
  final: month.final,
  incomplete: month.incomplete,
  manualPeakW: watts(month.manual),
  meterPeakW: watts(month.metered),
  meterPeakTs: stamp(month.metered),
  importPeakW: watts(month.imported),
  importPeakTs: stamp(month.imported),
  computedPeakW: watts(month.computed),
  computedPeakTs: stamp(month.computed),
  differenceW: Option.getOrNull(Option.zipWith(month.metered, month.computed, (meter, own) => meter.peakW - own.peakW)),
  billedPeakW: Option.getOrNull(Option.map(month.peak, ({ peakW }) => Math.max(peakW, billedFloorW))),
  coverage: month.coverage,
})
