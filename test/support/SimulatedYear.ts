import {
  defaultZone,
  expandQuarterHours,
  type QuarterHour,
  type QuarterHourView,
  quarterStartMs,
  type Range,
  type WindowSample,
} from "../../src/domain/index.ts"
import { initialState, makeEngine, makeHousehold, type MeterState } from "../../src/simulator/index.ts"
import { decider } from "./Decider.ts"

/** What the meter knows at the edge of a quarter-hour: import and export so far, to the watt-second, and its peak. */
export interface Mark {
  readonly tsMs: number
  readonly importWs: number
  readonly exportWs: number
  /** Its import registers as they are read, whole watt-hours. */
  readonly importWh: number
  /** The mean import of the quarter-hour that ends here, as the meter counts it, W. */
  readonly quarterW: number
  readonly monthlyPeakW: number | null
}

/** What an edge reads. */
export interface Reading extends WindowSample {
  readonly peakW: number | null
  readonly peakTsMs: number | null
  /** The import registers of all meters so far together, Wh. */
  readonly countedWh: number
}

export interface Run {
  readonly range: Range
  readonly everyS: number
  /** Seconds by which samples lie beside the quarter-hour's grid. */
  readonly phaseS: number
  readonly seed: number
  /** Without samples in these times. */
  readonly outages: ReadonlyArray<Range>
  /** From this instant on another meter counts, from 1 kWh, and knows no peak yet. */
  readonly replacedMs?: number
}

const wattSeconds = (state: MeterState) => ({
  importWs: state.importT1Ws + state.importT2Ws,
  exportWs: state.exportT1Ws + state.exportT2Ws,
})
const registersKwh = (state: MeterState) => {
  const kwh = (a: number, b: number) => (Math.floor(a / 3600) + Math.floor(b / 3600)) / 1000
  return { importKwh: kwh(state.importT1Ws, state.importT2Ws), exportKwh: kwh(state.exportT1Ws, state.exportT2Ws) }
}
const rounded = (kwh: number): number => Math.round(kwh * 1000) / 1000

interface Anew {
  readonly importKwh: number
  readonly exportKwh: number
  readonly importWs: number
  readonly month: string
  peakW: number | null
  peakTsMs: number | null
}

/** The peak that the meter in place says: of a new one only what it counted itself. */
const peakOf = (state: MeterState, anew: Anew | undefined): Pick<Reading, "peakW" | "peakTsMs"> =>
  anew?.month === state.month
    ? { peakW: anew.peakW, peakTsMs: anew.peakTsMs }
    : { peakW: state.peakW, peakTsMs: state.peakSecond === null ? null : state.peakSecond * 1000 }

/** Plays a household's meter over a range and reads it as an edge would. */
export function* play(run: Run): Generator<{ readonly sample?: Reading; readonly mark?: Mark }> {
  const household = makeHousehold({ seed: run.seed, zone: defaultZone })
  const firstSecond = run.range.fromMs / 1000
  const engine = makeEngine({ household, serial: "5c2faf000007", origin: initialState(household, firstSecond) })
  const replacedS = run.replacedMs === undefined ? Infinity : run.replacedMs / 1000
  let anew: Anew | undefined
  let edge = engine.advanceTo(firstSecond)
  const lastSecond = run.range.toMs / 1000
  for (let second = firstSecond; second <= lastSecond; second++) {
    const onEdge = second % 900 === 0
    const onSample = (second - run.phaseS) % run.everyS === 0
    if (!onEdge && !onSample && second !== replacedS) continue
    const state = engine.advanceTo(second)
    const now = wattSeconds(state)
    if (second === replacedS) {
      anew = { ...registersKwh(state), importWs: now.importWs, month: state.month, peakW: null, peakTsMs: null }
    }
    if (onEdge) {
      const before = wattSeconds(edge).importWs
      if (anew !== undefined) {
        const watts = Math.floor((now.importWs - Math.max(before, anew.importWs)) / 900)
        if (watts > (anew.peakW ?? 0)) Object.assign(anew, { peakW: watts, peakTsMs: second * 1000 })
      }
      edge = state
      yield {
        mark: {
          tsMs: second * 1000,
          ...now,
          importWh: Math.round(registersKwh(state).importKwh * 1000),
          quarterW: Math.floor((now.importWs - before) / 900),
          monthlyPeakW: state.peakW,
        },
      }
    }
    const tsMs = second * 1000
    if (!onSample || run.outages.some(({ fromMs, toMs }) => tsMs >= fromMs && tsMs < toMs)) continue
    const { exportKwh, importKwh } = registersKwh(state)
    yield {
      sample: {
        tsMs,
        importKwh: rounded(importKwh - (anew?.importKwh ?? 0) + (anew === undefined ? 0 : 1)),
        exportKwh: rounded(exportKwh - (anew?.exportKwh ?? 0) + (anew === undefined ? 0 : 1)),
        powerW: household.loadAt(second).netW,
        ...peakOf(state, anew),
        countedWh: Math.round(importKwh * 1000),
      },
    }
  }
}

/** What the meter counted, and the quarter-hours as the domain decides them from samples in order. */
export interface Played {
  readonly marks: ReadonlyArray<Mark>
  readonly rows: ReadonlyArray<QuarterHour>
  readonly views: ReadonlyArray<QuarterHourView>
  /** The last reading of the old meter, the first of the new one, and what flowed between them, which nobody read. */
  readonly unseen: (Range & { readonly importWh: number }) | undefined
  /** The readings around an edge of a quarter-hour. */
  readonly around: ReadonlyMap<number, readonly [Reading, Reading]>
}

/** Plays a run: its readings, to be taken to their end, and then what came of them. */
export const playRun = (run: Run) => {
  const replacedMs = run.replacedMs ?? Infinity
  const { end, reach, take } = decider(run.range, run.replacedMs === undefined ? [] : [run.replacedMs])
  const marks: Array<Mark> = []
  const around = new Map<number, readonly [Reading, Reading]>()
  let unseen: Played["unseen"]
  function* readings(): Generator<Reading> {
    let previous: Reading | undefined
    for (const { mark, sample } of play(run)) {
      if (mark !== undefined) {
        marks.push(mark)
        reach(mark.tsMs)
      }
      if (sample === undefined) continue
      if (previous !== undefined && previous.tsMs < replacedMs && sample.tsMs >= replacedMs) {
        const importWh = sample.countedWh - previous.countedWh
        unseen = { fromMs: previous.tsMs, toMs: sample.tsMs, importWh }
      }
      const edgeMs = quarterStartMs(sample.tsMs)
      if (previous !== undefined && previous.tsMs < edgeMs) around.set(edgeMs, [previous, sample])
      previous = sample
      take(sample)
      yield sample
    }
  }
  return {
    readings: readings(),
    played: (): Played => {
      const rows = end()
      return { marks, rows, views: expandQuarterHours(rows, run.range.fromMs, run.range.toMs), unseen, around }
    },
  }
}

/** A run whose samples come in order, as they are made. */
export const decideRun = (run: Run): Played => {
  const { played, readings } = playRun(run)
  while (readings.next().done !== true);
  return played()
}
