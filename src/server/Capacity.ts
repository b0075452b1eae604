import { HttpApiBuilder } from "@effect/platform"
import { Array as Arr, Clock, Effect, Option, Order } from "effect"
import { defaultTop, NotFound, P1Api, residentialVatPercent } from "../domain/api/index.ts"
import {
  Capacity,
  CapacityMonth,
  type DeviceId,
  fromEpochMillis,
  type Month,
  quarterPowerW,
  type QuarterHourView,
  rangeOfMonth,
} from "../domain/index.ts"
import { cachedRead } from "./CachedRead.ts"
import { capacityYear } from "./CapacityYear.ts"
import { peakFields } from "./PeakFields.ts"
import { orUnavailable } from "./Problems.ts"
import { monthsOf } from "./Quarters.ts"
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

/** The month's peak, who says so, and its `top` highest quarter-hours. */
const capacityMonth = (month: Month, requested: DeviceId | undefined, top: number) =>
  Effect.gen(function* () {
    const device = yield* requestedDevice(requested)
    const zone = yield* zoneOf(device)
    const nowMs = yield* Clock.currentTimeMillis
    if (rangeOfMonth(month, zone).fromMs > nowMs) return yield* notBegun
    const { months, quarters } = yield* orUnavailable(monthsOf(device.deviceId, [month], zone, { each: true, nowMs }))
    const [decided] = months
    if (decided === undefined || (Arr.isEmptyReadonlyArray(quarters) && Option.isNone(decided.peak))) {
      return yield* nothingKnown
    }
    const reply: CapacityMonth = {
      deviceId: device.deviceId,
      month,
      timezone: device.zone,
      ...peakFields(decided),
      peaks: Arr.take(Arr.sort(quarters, byHighest), top).map(peakView),
    }
    return reply
  })

/** `GET /v1/capacity/month/{month}` and `GET /v1/capacity`. */
export const layer = HttpApiBuilder.group(P1Api, "capacity", (handlers) =>
  handlers
    .handle("month", ({ path, urlParams: { device_id, top = defaultTop } }) =>
      cachedRead(CapacityMonth, device_id, capacityMonth(path.month, device_id, top)),
    )
    .handle("year", ({ urlParams: { device_id, vat = residentialVatPercent } }) =>
      cachedRead(Capacity, device_id, capacityYear(device_id, vat)),
    ),
)
