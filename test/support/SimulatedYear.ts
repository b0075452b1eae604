import {
  defaultZone,
  expandQuarterHours,
  gatherFacts,
  type QuarterHour,
  quarterHourMs,
  quarterHourOf,
  type QuarterHourView,
  type Range,
  type WindowSample,
} from "../../src/domain/index.ts"
import { initialState, makeEngine, makeHousehold, type MeterState } from "../../src/simulator/index.ts"

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

export interface Run {
  readonly range: Range
  readonly everyS: number
  /** Seconds by which samples lie beside the quarter-hour's grid. */
  readonly phaseS: number
  readonly seed: number
  /** Without samples in these times. */
  readonly outages: ReadonlyArray<Range>
  /** From this instant on another meter counts, from 1 kWh. */
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

/** Plays a household's meter over a range and reads it as an edge would. */
export function* play(run: Run): Generator<{ readonly sample?: WindowSample; readonly mark?: Mark }> {
  const household = makeHousehold({ seed: run.seed, zone: defaultZone })
  const firstSecond = run.range.fromMs / 1000
  const engine = makeEngine({ household, serial: "5c2faf000007", origin: initialState(household, firstSecond) })
  const replacedS = run.replacedMs === undefined ? Infinity : run.replacedMs / 1000
  let anew: { importKwh: number; exportKwh: number } | undefined
  let edge = engine.advanceTo(firstSecond)
  const lastSecond = run.range.toMs / 1000
  for (let second = firstSecond; second <= lastSecond; second++) {
    const onEdge = second % 900 === 0
    const onSample = (second - run.phaseS) % run.everyS === 0
    if (!onEdge && !onSample && second !== replacedS) continue
    const state = engine.advanceTo(second)
    if (second === replacedS) anew = registersKwh(state)
    if (onEdge) {
      const before = wattSeconds(edge).importWs
      const now = wattSeconds(state)
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
      },
    }
  }
}

const contextMs = 6 * quarterHourMs

/** The quarter-hours of a run, decided one after another from the samples around them, and the meter's marks. */
export const decideRun = (
  run: Run,
): { readonly views: ReadonlyArray<QuarterHourView>; readonly marks: ReadonlyArray<Mark> } => {
  const changesMs = run.replacedMs === undefined ? [] : [run.replacedMs]
  const rows: Array<QuarterHour> = []
  const marks: Array<Mark> = []
  let near: Array<WindowSample> = []
  let nextMs = run.range.fromMs
  const decide = (untilMs: number): void => {
    for (; nextMs + quarterHourMs + contextMs <= untilMs; nextMs += quarterHourMs) {
      const facts = gatherFacts(near, nextMs, changesMs)
      if (facts !== null) rows.push(quarterHourOf(facts))
      const keepFrom = near.findLastIndex(({ tsMs }) => tsMs < nextMs - contextMs)
      if (keepFrom > 0) near = near.slice(keepFrom)
    }
  }
  for (const { mark, sample } of play(run)) {
    if (mark !== undefined) {
      marks.push(mark)
      const nothingFor = mark.tsMs - (near.at(-1)?.tsMs ?? mark.tsMs)
      if (nothingFor < contextMs) decide(mark.tsMs)
    }
    if (sample !== undefined) near.push(sample)
  }
  decide(run.range.toMs + quarterHourMs + contextMs)
  return { views: expandQuarterHours(rows, run.range.fromMs, run.range.toMs), marks }
}
