import { DateTime, Option } from "effect"
import { describe, expect, it } from "vitest"
import {
  computedPeak,
  cutRange,
  foldSeries,
  quarterHourMs,
  quarterPowerW,
  type QuarterHourView,
  type Range,
  rangeOfMonth,
} from "../src/domain/index.ts"
import { decideRun, type Mark } from "./support/SimulatedYear.ts"

/*
 * A Belgian household with sun on its roof, seen by an edge and decided by the domain, beside what its meter counted
 * itself. `npm run year` plays all of 2026; otherwise the months in which the clock changes.
 */

const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const wholeYear = process.env["P1_YEAR"] !== undefined
const monthsOf2026 = wholeYear
  ? Array.from({ length: 12 }, (_, i) => `2026-${String(i + 1).padStart(2, "0")}`)
  : ["2026-03", "2026-10"]
const hour = 3_600_000

const ledgerWh = (marks: ReadonlyArray<Mark>, { fromMs, toMs }: Range): number => {
  const at = (ms: number) => marks.find(({ tsMs }) => tsMs === ms)?.importWh ?? NaN
  return at(toMs) - at(fromMs)
}

const quarterRange = ({ startMs }: QuarterHourView): Range => ({ fromMs: startMs, toMs: startMs + quarterHourMs })

describe("a month at 1 Hz", () => {
  it("has every quarter-hour and the monthly peak within 10 W of the meter's own", { timeout: 600_000 }, () => {
    const range = rangeOfMonth("2026-02", brussels)
    const { marks, views } = decideRun({ range, everyS: 1, phaseS: 0, seed: 7, outages: [] })
    const byEnd = new Map(marks.map((mark) => [mark.tsMs, mark]))
    expect(views).toHaveLength(28 * 96)
    const differences = views.map(
      ({ energyImportWh, startMs }) =>
        quarterPowerW(energyImportWh) - (byEnd.get(startMs + quarterHourMs)?.quarterW ?? NaN),
    )
    expect(Math.max(...differences.map(Math.abs))).toBeLessThanOrEqual(10)
    expect(views.every(({ eligible }) => eligible)).toBe(true)
    const peak = Option.getOrThrow(computedPeak(views))
    expect(Math.abs(peak.peakW - (marks.at(-1)?.monthlyPeakW ?? NaN))).toBeLessThanOrEqual(10)
  })
})

describe.each(monthsOf2026)("%s at 10 s, beside the grid, with outages", (month) => {
  const range = rangeOfMonth(month, brussels)
  const noonOf = (day: number) => range.fromMs + (day - 1) * 24 * hour + 12 * hour
  // Short and long, over edges and inside quarter-hours, at noon and in the evening's peak; none over midnight.
  const outages = [
    { fromMs: noonOf(4), toMs: noonOf(4) + 7 * 60_000 },
    { fromMs: noonOf(9) - 3 * 60_000, toMs: noonOf(9) + 3 * 60_000 },
    { fromMs: noonOf(13) + 7 * hour, toMs: noonOf(13) + 10 * hour },
    { fromMs: noonOf(20) + 100_000, toMs: noonOf(20) + 5 * hour },
    { fromMs: noonOf(26) + 8 * hour, toMs: noonOf(26) + 8 * hour + 16 * 60_000 },
  ]
  const replacedMs = month === "2026-10" ? noonOf(17) + 600_000 : undefined
  const replacement = replacedMs === undefined ? [] : [{ fromMs: replacedMs - 1_200_000, toMs: replacedMs }]
  const { marks, views: all } = decideRun({
    range: { fromMs: range.fromMs - quarterHourMs, toMs: range.toMs + quarterHourMs },
    everyS: 10,
    phaseS: 3,
    seed: 11,
    outages: [...outages, ...replacement],
    ...(replacedMs !== undefined && { replacedMs }),
  })
  const views = all.filter(({ startMs }) => startMs >= range.fromMs && startMs < range.toMs)
  const metersPeakW = marks.find(({ tsMs }) => tsMs === range.toMs)?.monthlyPeakW ?? NaN

  it("has a quarter-hour for every 900 s of the month", () => {
    const known = new Set(views.map(({ startMs }) => startMs))
    const expected = (range.toMs - range.fromMs) / quarterHourMs
    if (month === "2026-03") expect(expected).toBe(2972)
    if (month === "2026-10") expect(expected).toBe(2980)
    // Nobody knows what the old and the new meter counted between their last and first reading.
    const unknown = expected - known.size
    if (replacedMs === undefined) expect(unknown).toBe(0)
    else expect(unknown).toBeLessThanOrEqual(1)
  })

  it("has the true energy of every quarter-hour within its bounds", () => {
    const byTime = new Map(marks.map((mark) => [mark.tsMs, mark.importWs]))
    let bounded = 0
    for (const view of views) {
      if (view.highWh === null) continue
      bounded += 1
      const { fromMs, toMs } = quarterRange(view)
      const wh = ((byTime.get(toMs) ?? NaN) - (byTime.get(fromMs) ?? NaN)) / 3600
      // Two registers of whole watt-hours make up the total.
      expect(wh).toBeGreaterThan(view.lowWh - 2)
      expect(wh).toBeLessThan(view.highWh + 2)
    }
    expect(bounded).toBeGreaterThan(views.length - 10)
  })

  it("has the ledger's energy of every day, to the watt-hour", () => {
    const days = cutRange(range, "day", brussels)
    const points = foldSeries(views, days)
    expect(points).toHaveLength(days.length)
    for (const point of points) {
      const difference = point.energyImportWh - ledgerWh(marks, point)
      if (replacedMs !== undefined && replacedMs >= point.fromMs && replacedMs < point.toMs) {
        expect(difference).toBeLessThanOrEqual(1)
      } else expect(Math.abs(difference)).toBeLessThanOrEqual(1)
    }
  })

  it("has no peak from a gap", () => {
    const byEnd = new Map(marks.map((mark) => [mark.tsMs, mark.quarterW]))
    for (const view of views.filter(({ eligible }) => eligible)) {
      const slackW = quarterPowerW(Math.max(10, (view.highWh ?? 0) * 0.02))
      const truth = byEnd.get(view.startMs + quarterHourMs) ?? NaN
      expect(Math.abs(quarterPowerW(view.energyImportWh) - truth)).toBeLessThanOrEqual(slackW + 60)
    }
    const peak = Option.getOrThrow(computedPeak(views))
    expect(peak.peakW).toBeLessThanOrEqual(metersPeakW + 60)
  })
})
