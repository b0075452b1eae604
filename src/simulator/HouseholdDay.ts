import { makeChance } from "./Chance.ts"

const yearDays = 365.2425
const hour = 3600
const minute = 60

/** A stretch of the local day, in seconds since midnight; empty when both are equal. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** What a household does on one local day. */
export interface HouseholdDay {
  readonly day: number
  readonly shower: Stretch
  readonly cooking: Stretch
  readonly cookingW: number
  readonly charging: Stretch
  /** Share of its cycle that the heat pump runs. */
  readonly heatShare: number
  readonly heatW: number
  /** Sun on the roof between these UTC seconds of the day. */
  readonly sun: Stretch
  readonly sunPeakW: number
  /** 0 overcast, 1 not a cloud. */
  readonly clearness: number
}

/** A single-phase wall box on 32 A. */
export const chargerW = 7_360
/** Brussels lies 4.4° east: the sun stands highest at about 11:42 UTC. */
const solarNoonUtc = 11 * hour + 42 * minute

const within = (low: number, high: number, chance: number): number => low + Math.floor((high - low) * chance)
const stretch = (from: number, lengthS: number): Stretch => ({ from, to: from + lengthS })

/** 0 on the shortest day, 1 on the longest. */
const light = (day: number): number => (1 - Math.cos((2 * Math.PI * (day + 10)) / yearDays)) / 2
/** 1 in the middle of January, 0 in the middle of July. */
const cold = (day: number): number => (1 + Math.cos((2 * Math.PI * (day - 15)) / yearDays)) / 2

/** Plans the days of a seed. */
export const makeDays = (seed: number): ((day: number) => HouseholdDay) => {
  const showerAt = makeChance(seed, 1)
  const cookingAt = makeChance(seed, 2)
  const cookingFor = makeChance(seed, 3)
  const cookingPower = makeChance(seed, 4)
  const charges = makeChance(seed, 5)
  const chargingAt = makeChance(seed, 6)
  const chargingFor = makeChance(seed, 7)
  const weather = makeChance(seed, 8)
  const clouds = makeChance(seed, 9)

  return (day) => {
    const sunlit = light(day)
    const halfDayS = Math.round(hour * (3.9 + 4.3 * sunlit))
    const coldness = cold(day) * (0.7 + 0.5 * weather(day))
    const chargingS = charges(day) < 0.4 ? within(75 * minute, 170 * minute, chargingFor(day)) : 0
    return {
      day,
      shower: stretch(within(6 * hour + 30 * minute, 8 * hour, showerAt(day)), 9 * minute),
      cooking: stretch(
        within(17 * hour + 30 * minute, 18 * hour + 20 * minute, cookingAt(day)),
        within(30 * minute, 55 * minute, cookingFor(day)),
      ),
      cookingW: within(1_800, 3_200, cookingPower(day)),
      charging: stretch(within(19 * hour, 21 * hour, chargingAt(day)), chargingS),
      heatShare: Math.min(0.95, 0.06 + 0.7 * coldness),
      heatW: Math.round(1_300 + 900 * coldness),
      sun: { from: solarNoonUtc - halfDayS, to: solarNoonUtc + halfDayS },
      sunPeakW: Math.round(4_700 * (0.28 + 0.72 * sunlit)),
      clearness: clouds(day),
    }
  }
}
