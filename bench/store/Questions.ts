import { Array as Arr, Effect } from "effect"
import {
  addMonths,
  billedMonths,
  billedPeaks,
  cutRange,
  type DeviceId,
  foldSeries,
  type LocalDate,
  monthOf,
  rangeOfFrame,
  rangeOfMonth,
} from "../../src/domain/index.ts"
import { Store } from "../../src/domain/ports/index.ts"
import { condensedQuartersOf, monthsOf } from "../../src/server/Quarters.ts"
import { zone } from "./Devices.ts"

/** The month that holds an instant, every quarter-hour of it. */
export const monthOfQuarters = (deviceId: DeviceId, atMs: number) =>
  Effect.flatMap(Store, (store) => store.quarterHours(deviceId, rangeOfMonth(monthOf(atMs, zone), zone)))

/** A year by month, as the server answers it. */
export const seriesYear = (deviceId: DeviceId, date: LocalDate) =>
  Effect.suspend(() => {
    const months = cutRange(rangeOfFrame("year", date, zone), "month", zone)
    return Effect.map(condensedQuartersOf(deviceId, months), ({ quarters, stretches }) =>
      foldSeries(quarters, months, stretches),
    )
  })

/** What is billed by the peaks of a month and the twelve before it, as the server answers it. */
export const capacityYear = (deviceId: DeviceId, nowMs: number) =>
  Effect.suspend(() => {
    const running = monthOf(nowMs, zone)
    const months = Arr.makeBy(billedMonths + 1, (i) => addMonths(running, i - billedMonths))
    return Effect.map(monthsOf(deviceId, months, zone, { each: false, nowMs }), ({ months: decided }) =>
      billedPeaks(decided),
    )
  })
