import type { Household } from "./Household.ts"
import { type LedgerMark, ledgerOf } from "./Ledger.ts"
import { advance, type MeterState } from "./Registers.ts"
import { makeTelegram, type MeasurementJson, type Telegram } from "./Telegram.ts"

/** A meter that is told what time it is: for programs that play it as fast as they can. */
export interface Engine {
  readonly household: Household
  /** Plays on to a second; an earlier one leaves the meter where it is. */
  readonly advanceTo: (second: number) => MeterState
  /** What a state says. */
  readonly telegramOf: Telegram
  /** The reading stamped with a second, or the newest one if the meter is already beyond it. */
  readonly measurementAtSecond: (second: number) => MeasurementJson
  /** The registers at every quarter-hour's edge in [fromSecond, toSecond], from where this engine began. */
  readonly ledger: (fromSecond: number, toSecond: number) => ReadonlyArray<LedgerMark>
}

export interface EngineOptions {
  readonly household: Household
  /** Twelve hexadecimal digits; the equipment numbers follow from it. */
  readonly serial: string
  readonly origin: MeterState
}

export const makeEngine = ({ household, serial, origin }: EngineOptions): Engine => {
  const telegramOf = makeTelegram(household, serial)
  let state = origin
  const advanceTo = (second: number): MeterState => {
    if (second > state.second) state = advance(household, state, second)
    return state
  }
  return {
    household,
    advanceTo,
    telegramOf,
    measurementAtSecond: (second) => telegramOf(advanceTo(second)),
    ledger: (fromSecond, toSecond) => ledgerOf(household, origin, fromSecond, toSecond),
  }
}
