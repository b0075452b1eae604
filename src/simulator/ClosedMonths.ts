import { DateTime, Schema } from "effect"
import { monthOf, rangeOfMonth } from "../domain/index.ts"
import { makeChance } from "./Chance.ts"
import type { Household } from "./Household.ts"
import { chargerW } from "./HouseholdDay.ts"
import { daySeconds, quarterSeconds } from "./LocalTime.ts"

/** A month that is over, as the meter remembers it. */
export const ClosedMonth = Schema.Struct({
  /** Local midnight of the next month's first day. */
  closedSecond: Schema.Int,
  peakW: Schema.Int,
  /** The end of the quarter-hour that set the peak. */
  peakSecond: Schema.Int,
})
export type ClosedMonth = typeof ClosedMonth.Type

/** How many months a Belgian meter remembers. */
export const rememberedMonths = 13

/** Plausible peaks of the months before a local month's start: the car on top of the house, on some evening. */
export const closedMonthsBefore = (household: Household, startSecond: number): ReadonlyArray<ClosedMonth> => {
  const zone = DateTime.zoneUnsafeMakeNamed(household.zone)
  const houseW = makeChance(household.seed, 50)
  const evening = makeChance(household.seed, 51)
  const months: Array<ClosedMonth> = []
  let closedSecond = startSecond
  while (months.length < rememberedMonths) {
    const { fromMs } = rangeOfMonth(monthOf((closedSecond - 1) * 1000, zone), zone)
    const fromSecond = fromMs / 1000
    const days = Math.floor((closedSecond - fromSecond) / daySeconds)
    const peakSecond = fromSecond + Math.floor(evening(fromSecond) * days) * daySeconds + 77 * quarterSeconds
    months.unshift({ closedSecond, peakW: chargerW + Math.floor(2_500 * houseW(fromSecond)), peakSecond })
    closedSecond = fromSecond
  }
  return months
}
