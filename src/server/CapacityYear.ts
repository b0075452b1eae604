import { Array as Arr, Clock, Effect, Option } from "effect"
import { NotFound } from "../domain/api/index.ts"
import {
  addMonths,
  billedMonths,
  billedPeaks,
  type Capacity,
  type CapacityCosts,
  capacityCost,
  capacityTariffOf,
  type DeviceId,
  flemishZoneOf,
  maximumTariffOf,
  type Month,
  monthOf,
  type Place,
  regionOf,
  Tariffs,
  withoutPeakTariff,
  yearsImportKwh,
} from "../domain/index.ts"
import { Store } from "../domain/ports/index.ts"
import { peakFields } from "./PeakFields.ts"
import { orUnavailable } from "./Problems.ts"
import { monthsOf } from "./Quarters.ts"
import { requestedDevice, zoneOf } from "./Readers.ts"

const nothingKnown = new NotFound({ detail: "Nothing is known of this device's last 12 months." })

interface Billed {
  readonly toDateKw: number | null
  readonly projectedKw: number | null
}

/** What the billed means cost in a year, by the tariffs of a month. */
const costsOf = (place: Place, month: Month, billed: Billed, importKwh: number | null, vatPercent: number) =>
  Effect.gen(function* () {
    const table = yield* Tariffs
    const tariff = Option.flatMap(flemishZoneOf(place), (zone) => capacityTariffOf(table, zone, month))
    const withVat = (euros: number): number => euros * (1 + vatPercent / 100)
    return Option.map(tariff, (tariff): CapacityCosts => {
      const yearCost = (meanPeakKw: number | null): CapacityCosts["toDate"] => {
        if (meanPeakKw === null) return null
        const cost = capacityCost(meanPeakKw, importKwh, tariff, maximumTariffOf(table, month))
        const totalWithVatEur = withVat(cost.totalEur)
        return { meanPeakKw, ...cost, totalWithVatEur, monthWithVatEur: totalWithVatEur / 12 }
      }
      return {
        gridZone: tariff.zone,
        validFrom: tariff.validFrom,
        validTo: tariff.validTo,
        eurPerKwYear: tariff.eurPerKwYear,
        vatPercent,
        toDate: yearCost(billed.toDateKw),
        projected: yearCost(billed.projectedKw),
      }
    })
  })

/** The last 12 closed months and the running one: their peaks, what is billed by them, and what that costs. */
export const capacityYear = (requested: DeviceId | undefined, vatPercent: number) =>
  Effect.gen(function* () {
    const device = yield* requestedDevice(requested)
    const zone = yield* zoneOf(device)
    const store = yield* Store
    const nowMs = yield* Clock.currentTimeMillis
    const running = monthOf(nowMs, zone)
    const names = Arr.makeBy(billedMonths + 1, (i) => addMonths(running, i - billedMonths))
    const [{ months, quarters, stretches }, place] = yield* orUnavailable(
      Effect.all([monthsOf(device.deviceId, names, zone, { each: false, nowMs }), store.place(device.deviceId)], {
        concurrency: 2,
      }),
    )
    const known = [...quarters, ...stretches]
    if (known.length === 0 && months.every(({ peak }) => Option.isNone(peak))) return yield* nothingKnown
    const billed = billedPeaks(months)
    const importKwh = yearsImportKwh(known, nowMs)
    const costs = yield* costsOf(place, running, billed, importKwh, vatPercent)
    const region = regionOf(place)
    const reply: Capacity = {
      deviceId: device.deviceId,
      timezone: device.zone,
      country: place.country,
      gridZone: place.gridZone,
      region,
      months: months.map((month) => ({ month: month.month, ...peakFields(month) })),
      billedToDateKw: billed.toDateKw,
      projectedKw: billed.projectedKw,
      importKwh,
      costs: Option.getOrNull(costs),
      withoutCosts: Option.isSome(costs)
        ? null
        : (withoutPeakTariff(region) ?? "No tariff is known for this zone and month."),
    }
    return reply
  })
