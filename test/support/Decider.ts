import {
  gatherFacts,
  type QuarterHour,
  quarterHourMs,
  quarterHourOf,
  type Range,
  type WindowSample,
} from "../../src/domain/index.ts"

const contextMs = 6 * quarterHourMs

/** Takes samples in order and decides each quarter-hour of a range once enough has come after it. */
export const decider = (range: Range, changesMs: ReadonlyArray<number>) => {
  const rows: Array<QuarterHour> = []
  let near: Array<WindowSample> = []
  let nextMs = range.fromMs
  const decide = (untilMs: number): void => {
    for (; nextMs + quarterHourMs + contextMs <= untilMs; nextMs += quarterHourMs) {
      const facts = gatherFacts(near, nextMs, changesMs)
      if (facts !== null) rows.push(quarterHourOf(facts))
      const keepFrom = near.findLastIndex(({ tsMs }) => tsMs < nextMs - contextMs)
      if (keepFrom > 0) near = near.slice(keepFrom)
    }
  }
  return {
    take: ({ exportKwh, importKwh, powerW, tsMs }: WindowSample): void => {
      near.push({ tsMs, importKwh, exportKwh, powerW })
    },
    reach: (tsMs: number): void => {
      if (tsMs - (near.at(-1)?.tsMs ?? tsMs) < contextMs) decide(tsMs)
    },
    end: (): ReadonlyArray<QuarterHour> => {
      decide(range.toMs + quarterHourMs + contextMs)
      return rows
    },
  }
}
