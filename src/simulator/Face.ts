import type { MeterState } from "./Registers.ts"
import { peace, type Switches } from "./Switches.ts"

/** How the smart meter shows what it remembers: what the switches change in its words, not in its memory. */
export interface Face extends Pick<Switches, "importOffsetWh" | "clockOffsetS" | "peaks" | "subMeters"> {
  /** The memory of the meter at the moment when another one took its place. */
  readonly replacedAt: MeterState | null
}

export const honestFace: Face = { ...peace, replacedAt: null }

/** What another meter remembers that was put in at a moment: the same household, from zero. */
export const sinceReplaced = (state: MeterState, before: MeterState | null): MeterState =>
  before === null
    ? state
    : {
        ...state,
        importT1Ws: state.importT1Ws - before.importT1Ws,
        importT2Ws: state.importT2Ws - before.importT2Ws,
        exportT1Ws: state.exportT1Ws - before.exportT1Ws,
        exportT2Ws: state.exportT2Ws - before.exportT2Ws,
        closed: state.closed.filter(({ closedSecond }) => closedSecond > before.second),
      }
