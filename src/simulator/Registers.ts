import { DateTime, Schema } from "effect"
import { monthOf, rangeOfMonth } from "../domain/index.ts"
import { makeChance } from "./Chance.ts"
import { ClosedMonth, closedMonthsBefore, rememberedMonths } from "./ClosedMonths.ts"
import type { Household } from "./Household.ts"
import { daySeconds, quarterSeconds } from "./LocalTime.ts"

const Whole = Schema.Int.pipe(Schema.nonNegative())

/**
 * What a meter remembers at `second`: everything that flowed before that second, nothing of the second itself.
 *
 * The telegram stamped with a second reports the power of the second that begins there. So the registers of two
 * telegrams differ by exactly the sum of the powers reported from the first up to, not including, the second.
 */
export const MeterState = Schema.Struct({
  second: Whole,
  importT1Ws: Whole,
  importT2Ws: Whole,
  exportT1Ws: Whole,
  exportT2Ws: Whole,
  /** Import since the running quarter-hour's start. */
  quarterImportWs: Whole,
  /** The local month that the peak belongs to. */
  month: Schema.String,
  peakW: Schema.NullOr(Whole),
  /** The end of the quarter-hour that set the peak. */
  peakSecond: Schema.NullOr(Whole),
  /** The months before, oldest first, at most 13. */
  closed: Schema.optionalWith(Schema.Array(ClosedMonth), { default: () => [] }),
  gasMl: Whole,
  /** The sub-meter's last reading, and when it was taken. */
  gasReadMl: Whole,
  gasReadSecond: Whole,
  waterMl: Whole,
  waterReadMl: Whole,
  waterReadSecond: Whole,
})
export type MeterState = typeof MeterState.Type
type Moving = { -readonly [K in keyof MeterState]: MeterState[K] }

/** Sub-meters are read every five minutes, each on a schedule of its own. */
const subMeterS = 300
const gasShiftS = 17
const waterShiftS = 104

const lastRead = (second: number, shiftS: number): number => second - ((second - shiftS) % subMeterS)

/** Runs one second. A quarter-hour that ends at midnight of the 1st still sets the old month's peak. */
const tick = (household: Household, state: Moving, second: number): void => {
  const load = household.loadAt(second)
  const quarter = household.local.quarterAt(second)
  if (second === quarter.startSecond && quarter.month !== state.month) {
    state.closed = [
      ...state.closed,
      { closedSecond: second, peakW: state.peakW ?? 0, peakSecond: state.peakSecond ?? second },
    ].slice(-rememberedMonths)
    state.month = quarter.month
    state.peakW = null
    state.peakSecond = null
  }
  if (load.netW > 0) {
    if (quarter.tariff === 1) state.importT1Ws += load.netW
    else state.importT2Ws += load.netW
    state.quarterImportWs += load.netW
  } else if (quarter.tariff === 1) state.exportT1Ws -= load.netW
  else state.exportT2Ws -= load.netW
  state.gasMl += load.gasMl
  state.waterMl += load.waterMl

  const end = second + 1
  state.second = end
  if (end % quarterSeconds === 0) {
    const quarterW = averagePowerW(state)
    if (quarterW > (state.peakW ?? 0)) {
      state.peakW = quarterW
      state.peakSecond = end
    }
    state.quarterImportWs = 0
  }
  if (end % subMeterS === gasShiftS) {
    state.gasReadMl = state.gasMl
    state.gasReadSecond = end
  }
  if (end % subMeterS === waterShiftS) {
    state.waterReadMl = state.waterMl
    state.waterReadSecond = end
  }
}

/** The state at a later second, whatever the steps on the way there; a meter does not go back. */
export const advance = (household: Household, state: MeterState, toSecond: number): MeterState => {
  const moving: Moving = { ...state }
  for (let second = state.second; second < toSecond; second++) tick(household, moving, second)
  return moving
}

/** The meter's `average_power_15m_w`: a ramp from 0, energy of the quarter-hour so far over 900 s. */
export const averagePowerW = (state: MeterState): number => Math.floor(state.quarterImportWs / quarterSeconds)

const toWh = (wattSeconds: number): number => Math.floor(wattSeconds / 3600)

/** The registers as they are read, whole watt-hours; a total is the sum of the tariffs' registers. */
export const registersWh = (state: MeterState) => {
  const importT1Wh = toWh(state.importT1Ws)
  const importT2Wh = toWh(state.importT2Ws)
  const exportT1Wh = toWh(state.exportT1Ws)
  const exportT2Wh = toWh(state.exportT2Ws)
  return {
    importT1Wh,
    importT2Wh,
    importWh: importT1Wh + importT2Wh,
    exportT1Wh,
    exportT2Wh,
    exportWh: exportT1Wh + exportT2Wh,
  }
}

const installedDay = 18_262 // 2020-01-01
/** What a plausible household has used by a day, for a meter that begins in the middle of its life. */
const registersOn = (household: Household, day: number) => {
  const variety = 0.8 + 0.4 * makeChance(household.seed, 40)(0)
  const since = (perDay: number): number => Math.max(0, Math.round((day - installedDay) * perDay * variety))
  return {
    importT1Ws: since(6_400 * 3600),
    importT2Ws: since(5_900 * 3600),
    exportT1Ws: since(4_300 * 3600),
    exportT2Ws: since(2_100 * 3600),
    gasMl: since(420_000),
    waterMl: since(240_000),
  }
}

/**
 * The state of a meter without a past: plausible registers at the start of the local month, played from there, so
 * that the month's peak so far is known and any start within the month gives the same meter.
 */
export const initialState = (household: Household, atSecond: number): MeterState => {
  const zone = DateTime.zoneUnsafeMakeNamed(household.zone)
  const second = rangeOfMonth(monthOf(atSecond * 1000, zone), zone).fromMs / 1000
  const registers = registersOn(household, Math.floor(second / daySeconds))
  const start: MeterState = {
    second,
    ...registers,
    quarterImportWs: 0,
    month: household.local.quarterAt(second).month,
    peakW: null,
    peakSecond: null,
    closed: closedMonthsBefore(household, second),
    gasReadMl: registers.gasMl,
    gasReadSecond: lastRead(second, gasShiftS),
    waterReadMl: registers.waterMl,
    waterReadSecond: lastRead(second, waterShiftS),
  }
  return advance(household, start, atSecond)
}
