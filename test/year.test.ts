import { expect, layer } from "@effect/vitest"
import { Array as Arr, DateTime, Effect, Option } from "effect"
import { describe, it as test } from "vitest"
import {
  addMonths,
  computedPeak,
  cutRange,
  decideMonth,
  expandQuarterHours,
  quarterHourMs,
  quarterPowerW,
  type QuarterHourView,
  type Range,
  rangeOfMonth,
} from "../src/domain/index.ts"
import { Store } from "../src/domain/ports/index.ts"
import { layerFreshStore } from "./support/Database.ts"
import { deliverRun } from "./support/DeliveredYear.ts"
import { decideRun, type Mark, type Reading } from "./support/SimulatedYear.ts"
import { newDevice } from "./support/Stores.ts"

/*
 * A Belgian household with sun on its roof, read by an edge, delivered to the store and decided there, beside what its
 * meter counted itself. `npm run year` plays all of 2026; otherwise its October.
 */

const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const wholeYear = process.env["P1_YEAR"] !== undefined
const months = wholeYear ? Arr.makeBy(12, (i) => addMonths("2026-01", i)) : ["2026-10"]
const hour = 3_600_000
const minute = 60_000

describe("a month at 1 Hz", () => {
  test("has every quarter-hour and the monthly peak within 10 W of the meter's own", { timeout: 600_000 }, () => {
    const range = rangeOfMonth("2026-02", brussels)
    const { marks, views } = decideRun({ range, everyS: 1, phaseS: 0, seed: 7, outages: [] })
    const byEnd = new Map(marks.map((mark) => [mark.tsMs, mark]))
    expect(views).toHaveLength(28 * 96)
    const differences = views.map(
      ({ energyImportWh, startMs }) =>
        quarterPowerW(energyImportWh) - (byEnd.get(startMs + quarterHourMs)?.quarterW ?? NaN),
    )
    const largestW = Math.max(...differences.map(Math.abs))
    expect(largestW).toBeLessThanOrEqual(10)
    expect(views.every(({ eligible }) => eligible)).toBe(true)
    const peak = Option.getOrThrow(computedPeak(views))
    const peakDifferenceW = peak.peakW - (marks.at(-1)?.monthlyPeakW ?? NaN)
    expect(Math.abs(peakDifferenceW)).toBeLessThanOrEqual(10)
    report(
      `a month at 1 Hz: quarter-hours within ${largestW} W of the meter's own, the peak within ${peakDifferenceW} W`,
    )
  })
})

const figures: Array<string> = []
const report = (line: string): void => void figures.push(line)

const dayOf = (month: string, day: number, hours: number): number =>
  rangeOfMonth(month, brussels).fromMs + ((day - 1) * 24 + hours) * hour

/** Short and long, over edges and inside quarter-hours, at noon, in the evening's peak, and over midnight. */
const outagesOf = (month: string): ReadonlyArray<Range> => {
  const from = (day: number, hours: number, minutes: number): Range => {
    const fromMs = dayOf(month, day, hours)
    return { fromMs, toMs: fromMs + minutes * minute }
  }
  return [
    from(4, 12, 7),
    from(9, 11.95, 6),
    from(13, 19, 180),
    from(20, 12.03, 300),
    from(26, 20, 16),
    from(27, 23, 180),
  ]
}

const replacedMs = dayOf("2026-10", 30, 7) + 10 * minute
const range = {
  fromMs: rangeOfMonth(months[0] ?? "", brussels).fromMs - quarterHourMs,
  toMs: rangeOfMonth(months.at(-1) ?? "", brussels).toMs + quarterHourMs,
}
const outages = [
  ...months.flatMap(outagesOf),
  { fromMs: dayOf("2026-06", 1, -1), toMs: dayOf("2026-06", 1, 1) },
  { fromMs: replacedMs - 20 * minute, toMs: replacedMs },
]
/** Three weeks with the change of the clock and of the meter in them. */
const away = { fromMs: dayOf("2026-10", 9, 9.3), toMs: dayOf("2026-10", 30, 9.3) }

const quarterRange = ({ startMs }: { readonly startMs: number }): Range => ({
  fromMs: startMs,
  toMs: startMs + quarterHourMs,
})
const overlap = (a: Range, b: Range): boolean => a.fromMs < b.toMs && b.fromMs < a.toMs
const within =
  ({ fromMs, toMs }: Range) =>
  ({ startMs }: { readonly startMs: number }): boolean =>
    startMs >= fromMs && startMs < toMs

/** Days, those on either side of an outage over midnight together: nobody knows how what flowed meanwhile is split. */
const daysOf = (whole: Range): ReadonlyArray<Range> =>
  cutRange(whole, "day", brussels).reduce<ReadonlyArray<Range>>((days, day) => {
    const before = days.at(-1)
    return before !== undefined && outages.some((each) => each.fromMs < day.fromMs && each.toMs > day.fromMs)
      ? [...days.slice(0, -1), { fromMs: before.fromMs, toMs: day.toMs }]
      : [...days, day]
  }, [])

const steadyW = 100
/**
 * What may have flowed on the other side of an edge, Wh: nothing beyond the registers' resolution where power held from
 * the reading before to the one after it; all that was counted between them where something was switched.
 */
const leftOpenWh = (around: readonly [Reading, Reading] | undefined): number => {
  if (around === undefined) return NaN
  const [before, after] = around
  const wh = after.countedWh - before.countedWh
  const meanW = (Math.max(before.powerW, 0) + Math.max(after.powerW, 0)) / 2
  const held = Math.abs(before.powerW - after.powerW) < steadyW
  return held && Math.abs(wh - (meanW * (after.tsMs - before.tsMs)) / 3_600_000) < 1 ? 0 : wh
}

const run = { range, everyS: 10, phaseS: 3, seed: 11, outages, replacedMs }

layer(layerFreshStore, { excludeTestServices: true, timeout: "60 seconds" })(
  "sun, outages, another meter, three weeks late",
  (it) => {
    it.effect(
      `${months[0]} to ${months.at(-1)} at 10 s, beside the grid`,
      () =>
        Effect.gen(function* () {
          const store = yield* Store
          const deviceId = yield* newDevice
          const { around, marks, rows, unseen, views: inOrder } = yield* deliverRun(deviceId, run, away)
          const markAt = new Map(marks.map((mark): readonly [number, Mark] => [mark.tsMs, mark]))
          const truthWs = ({ fromMs, toMs }: Range) =>
            (markAt.get(toMs)?.importWs ?? NaN) - (markAt.get(fromMs)?.importWs ?? NaN)
          const ledgerWh = ({ fromMs, toMs }: Range) =>
            (markAt.get(toMs)?.importWh ?? NaN) - (markAt.get(fromMs)?.importWh ?? NaN)
          const change = unseen ?? { fromMs: NaN, toMs: NaN, importWh: NaN }

          const stored = yield* store.quarterHours(deviceId, range)
          expect(stored).toEqual(rows)
          const views = expandQuarterHours(stored, range.fromMs, range.toMs)
          expect(views).toEqual(inOrder)

          let quarters = 0
          for (const month of months) {
            const inMonth = rangeOfMonth(month, brussels)
            const expected = (inMonth.toMs - inMonth.fromMs) / quarterHourMs
            if (month === "2026-03") expect(expected).toBe(2972)
            if (month === "2026-10") expect(expected).toBe(2980)
            const ours = views.filter(within(inMonth))
            expect(new Set(ours.map(({ startMs }) => startMs)).size).toBe(expected)
            quarters += expected

            // No gap makes a peak: whatever may set it is as the meter counted it, within its bounds.
            const peak = Option.getOrThrow(computedPeak(ours))
            const metersW = markAt.get(inMonth.toMs)?.monthlyPeakW ?? NaN
            const setBy = ours.find(({ startMs }) => startMs + quarterHourMs === peak.peakTsMs)
            expect(setBy?.eligible).toBe(true)
            expect(quarterPowerW(setBy?.lowWh ?? NaN)).toBeLessThanOrEqual(metersW)
            const reported = yield* store.reportedPeak(deviceId, month)
            const records = { quarters: ours, imported: [], reported, manual: Option.none(), replacedMs: [replacedMs] }
            const decided = decideMonth(records, inMonth, range.toMs)
            // The new meter does not know the month's peak of the old one's: of that month it is what was computed.
            const anew = replacedMs >= inMonth.fromMs && replacedMs < inMonth.toMs
            expect(decided.source).toBe(anew ? "computed" : "meter")
            expect(Math.abs(Option.getOrThrow(decided.peak).peakW - metersW)).toBeLessThanOrEqual(anew ? 10 : 0)
          }

          let widestW = 0
          const unbounded: Array<QuarterHourView> = []
          for (const view of views) {
            const wh = truthWs(quarterRange(view)) / 3600
            expect(wh).toBeGreaterThanOrEqual(view.lowWh)
            if (view.highWh === null) unbounded.push(view)
            else expect(wh).toBeLessThanOrEqual(view.highWh)
            if (view.eligible) widestW = Math.max(widestW, Math.abs(quarterPowerW(view.energyImportWh - wh)))
          }
          // No upper bound is known only at the run's ends and where the old and the new meter were not read.
          for (const view of unbounded) {
            const atAnEnd = view.startMs === range.fromMs || view.startMs === range.toMs - quarterHourMs
            expect(atAnEnd || overlap(quarterRange(view), change)).toBe(true)
          }

          const days = daysOf({ fromMs: range.fromMs + quarterHourMs, toMs: range.toMs - quarterHourMs })
          let [steadyDays, largestWh, largestLeftWh] = [0, 0, 0]
          for (const day of days) {
            const sum = views.filter(within(day)).reduce((wh, { energyImportWh }) => wh + energyImportWh, 0)
            const hasChange = change.fromMs >= day.fromMs && change.toMs < day.toMs
            // What flowed between the old meter's last reading and the new one's first, nobody read; all else is there.
            const difference = sum - (ledgerWh(day) - (hasChange ? change.importWh : 0))
            const leftWh = [day.fromMs, day.toMs].reduce((wh, edgeMs) => wh + leftOpenWh(around.get(edgeMs)), 0)
            expect(Math.abs(difference)).toBeLessThanOrEqual(1 + leftWh)
            if (leftWh === 0) {
              steadyDays += 1
              largestWh = Math.max(largestWh, Math.abs(difference))
            } else largestLeftWh = Math.max(largestLeftWh, Math.abs(difference))
          }
          report(
            `${quarters} quarter-hours at 10 s: all within their bounds, eligible ones within ${Math.round(widestW)} W; ` +
              `${steadyDays} days within ${largestWh} Wh of the ledger, and ${days.length - steadyDays} on whose midnight ` +
              `something was switched, within ${largestLeftWh} Wh; ${change.importWh} Wh between two meters not read`,
          )
          process.stdout.write(`${figures.join("\n")}\n`)
        }),
      wholeYear ? 3_600_000 : 120_000,
    )
  },
)
