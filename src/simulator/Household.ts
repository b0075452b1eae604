import type { ZoneName } from "../domain/index.ts"
import { makeChance } from "./Chance.ts"
import { chargerW, type HouseholdDay, makeDays, type Stretch } from "./HouseholdDay.ts"
import { daySeconds, type LocalTime, makeLocalTime } from "./LocalTime.ts"

/** What a household draws during the second that begins at an instant. Watts are positive for import. */
export interface Load {
  readonly l1W: number
  readonly l2W: number
  readonly l3W: number
  /** Net of the phases. */
  readonly netW: number
  /** Millilitres used in that second. */
  readonly gasMl: number
  readonly waterMl: number
}

/** A household on three phases: a pure function of its seed, its zone and the second. */
export interface Household {
  readonly seed: number
  readonly zone: ZoneName
  readonly local: LocalTime
  readonly loadAt: (second: number) => Load
}

const heatCycleS = 2_400
const fridgeCycleS = 2_700
const fridgeOnS = 900
const fridgeW = 75
const cloudS = 300
const boilerMl = 550
const showerMl = 150
const tapMl = 100

const holds = ({ from, to }: Stretch, second: number): boolean => second >= from && second < to

/**
 * Base load, fridge, cooking, a heat pump by season, a car on some evenings, sun on the roof. Charger on L1, heat pump
 * on L2, kitchen and inverter on L3.
 */
export const makeHousehold = ({ seed, zone }: { readonly seed: number; readonly zone: ZoneName }): Household => {
  const local = makeLocalTime(zone)
  const planOf = makeDays(seed)
  const baseLevel = makeChance(seed, 20)
  const flicker = makeChance(seed, 21)
  const cloud = makeChance(seed, 22)
  const tap = makeChance(seed, 23)
  const phaseShift = Math.floor(makeChance(seed, 24)(0) * heatCycleS)

  let today = planOf(0)
  const dayAt = (day: number): HouseholdDay => {
    if (today.day !== day) today = planOf(day)
    return today
  }

  /** Clouds drift: the share of the sun that comes through goes straight from one five-minute mark to the next. */
  const sunW = (plan: HouseholdDay, second: number): number => {
    const utcSecond = second % daySeconds
    if (!holds(plan.sun, utcSecond)) return 0
    const mark = Math.floor(second / cloudS)
    const between = (second - mark * cloudS) / cloudS
    const open = cloud(mark) * (1 - between) + cloud(mark + 1) * between
    const through = plan.clearness + (1 - plan.clearness) * (0.08 + 0.5 * open)
    const height = Math.sin((Math.PI * (utcSecond - plan.sun.from)) / (plan.sun.to - plan.sun.from))
    return Math.round(plan.sunPeakW * height * through)
  }

  const loadAt = (second: number): Load => {
    const quarter = local.quarterAt(second)
    const plan = dayAt(quarter.day)
    const secondOfDay = second + quarter.offsetS - quarter.day * daySeconds
    const noise = flicker(second)

    const evening = secondOfDay >= 17 * 3600 && secondOfDay < 23 * 3600 ? 70 : 0
    const fridge = (second + phaseShift) % fridgeCycleS < fridgeOnS ? fridgeW : 0
    const baseW = Math.floor(150 + 90 * baseLevel(quarter.startSecond) + evening + 15 * noise)
    const charging = holds(plan.charging, secondOfDay)
    const heating = (second + phaseShift) % heatCycleS < heatCycleS * plan.heatShare
    const cooking = holds(plan.cooking, secondOfDay)
    const hobOn = cooking && second % 30 < 21

    const l1W = Math.floor(baseW / 2) + (charging ? chargerW - Math.floor(20 * noise) : 0)
    const l2W = Math.floor(baseW / 4) + fridge + (heating ? plan.heatW + Math.floor(40 * noise) : 0)
    const l3W = baseW - Math.floor(baseW / 2) - Math.floor(baseW / 4) + (hobOn ? plan.cookingW : 0) - sunW(plan, second)

    const showering = holds(plan.shower, secondOfDay)
    const awake = secondOfDay >= 6 * 3600 && secondOfDay < 23 * 3600
    const tapOpen = awake && tap(Math.floor(second / 60)) < (cooking ? 0.2 : 0.015)
    return {
      l1W,
      l2W,
      l3W,
      netW: l1W + l2W + l3W,
      gasMl: showering || (cooking && tapOpen) ? boilerMl : 0,
      waterMl: (showering ? showerMl : 0) + (tapOpen ? tapMl : 0),
    }
  }

  return { seed, zone, local, loadAt }
}
