import type { Household } from "./Household.ts"
import { quarterSeconds } from "./LocalTime.ts"
import { advance, type MeterState, registersWh } from "./Registers.ts"

/** The registers at the edge of a quarter-hour: to the watt-second as played, to the watt-hour as read. */
export interface LedgerMark {
  readonly second: number
  readonly importWs: number
  readonly exportWs: number
  readonly importWh: number
  readonly exportWh: number
}

const markOf = (state: MeterState): LedgerMark => {
  const { importWh, exportWh } = registersWh(state)
  return {
    second: state.second,
    importWs: state.importT1Ws + state.importT2Ws,
    exportWs: state.exportT1Ws + state.exportT2Ws,
    importWh,
    exportWh,
  }
}

/** The marks at every edge in [fromSecond, toSecond], played from `origin`; none lie before it. */
export const ledgerOf = (
  household: Household,
  origin: MeterState,
  fromSecond: number,
  toSecond: number,
): ReadonlyArray<LedgerMark> => {
  const marks: Array<LedgerMark> = []
  const firstSecond = Math.ceil(Math.max(fromSecond, origin.second) / quarterSeconds) * quarterSeconds
  let state = origin
  for (let second = firstSecond; second <= toSecond; second += quarterSeconds) {
    state = advance(household, state, second)
    marks.push(markOf(state))
  }
  return marks
}
