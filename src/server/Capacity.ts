import { HttpApiBuilder } from "@effect/platform"
import { Array as Arr, Clock, Effect, Option, Order } from "effect"
import { NotFound, P1Api } from "../domain/api/index.ts"
import {
  billedFloorW,
  CapacityMonth,
  type DeviceId,
  expandQuarterHours,
  fromEpochMillis,
  type Month,
  type MonthlyPeak,
  monthlyPeak,
  type Peak,
  quarterHourMs,
  quarterPowerW,
  type QuarterHourView,
  type Range,
  rangeOfMonth,
} from "../domain/index.ts"
import { Store } from "../domain/ports/index.ts"
import { cachedRead } from "./Answers.ts"
import { orUnavailable } from "./Problems.ts"
import { requestedDevice, zoneOf } from "./Readers.ts"

const notBegun = new NotFound({ detail: "This month has not begun." })
const nothingKnown = new NotFound({ detail: "Nothing is known of this month." })

const peakView = (quarter: QuarterHourView): CapacityMonth["peaks"][number] => ({
  bucket: fromEpochMillis(quarter.startMs),
  avgPowerW: quarterPowerW(quarter.energyImportWh),
  lowW: quarterPowerW(quarter.lowWh),
  highW: quarter.highWh === null ? null : quarterPowerW(quarter.highWh),
  energyImportKwh: quarter.energyImportWh / 1000,
  coverage: quarter.coverage,
  method: quarter.method,
  eligible: quarter.eligible,
})

const byHighest = Order.combine(
  Order.reverse(Order.mapInput(Order.number, ({ energyImportWh }: QuarterHourView) => energyImportWh)),
  Order.mapInput(Order.number, ({ startMs }: QuarterHourView) => startMs),
)

const watts = (peak: Option.Option<Peak>): number | null => Option.getOrNull(Option.map(peak, ({ peakW }) => peakW))
const stamp = (peak: Option.Option<Peak>) =>
  Option.getOrNull(Option.flatMap(peak, ({ peakTsMs }) => Option.map(Option.fromNullable(peakTsMs), fromEpochMillis)))

const peakFields = ({ computed, metered, peak, source }: MonthlyPeak) => ({
  monthlyPeakW: watts(peak),
  monthlyPeakTs: stamp(peak),
  source,
  meterPeakW: watts(metered),
  meterPeakTs: stamp(metered),
  computedPeakW: watts(computed),
  computedPeakTs: stamp(computed),
  differenceW: Option.getOrNull(Option.zipWith(metered, computed, (meter, own) => meter.peakW - own.peakW)),
  billedPeakW: Option.getOrNull(Option.map(peak, ({ peakW }) => Math.max(peakW, billedFloorW))),
})

/** The share of the range's time so far that samples cover. */
const coverageOf = (quarters: ReadonlyArray<QuarterHourView>, { fromMs, toMs }: Range, nowMs: number): number => {
  const coveredMs = quarters.reduce((sum, { coverage }) => sum + coverage * quarterHourMs, 0)
  const elapsedMs = Math.min(nowMs, toMs) - fromMs
  return elapsedMs > 0 ? Math.min(1, coveredMs / elapsedMs) : 0
}

/** The month's peak, who says so, and its `top` highest quarter-hours. */
const capacityMonth = (month: Month, requested: DeviceId | undefined, top: number) =>
  Effect.gen(function* () {
    const device = yield* requestedDevice(requested)
    const store = yield* Store
    const range = rangeOfMonth(month, yield* zoneOf(device))
    const nowMs = yield* Clock.currentTimeMillis
    if (range.fromMs > nowMs) return yield* notBegun
    const [stored, reported] = yield* orUnavailable(
      Effect.all([store.quarterHours(device.deviceId, range), store.reportedPeak(device.deviceId, month)], {
        concurrency: 2,
      }),
    )
    const quarters = expandQuarterHours(stored, range.fromMs, range.toMs)
    if (Arr.isEmptyReadonlyArray(quarters) && Option.isNone(reported)) return yield* nothingKnown
    const reply: CapacityMonth = {
      deviceId: device.deviceId,
      month,
      timezone: device.zone,
      status: nowMs < range.toMs ? "running" : "closed",
      ...peakFields(monthlyPeak(quarters, reported)),
      final: Option.exists(reported, ({ reportedAtMs }) => reportedAtMs >= range.toMs),
      coverage: coverageOf(quarters, range, nowMs),
      peaks: Arr.take(Arr.sort(quarters, byHighest), top).map(peakView),
    }
    return reply
  })

/** `GET /v1/capacity/month/{month}`. */
export const layer = HttpApiBuilder.group(P1Api, "capacity", (handlers) =>
  handlers.handle("month", ({ path, urlParams }) =>
    cachedRead(CapacityMonth, urlParams.device_id, capacityMonth(path.month, urlParams.device_id, urlParams.top)),
  ),
)
