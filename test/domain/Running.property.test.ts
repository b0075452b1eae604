import { FastCheck as fc, Option } from "effect"
import { describe, expect, it } from "vitest"
import {
  computedPeak,
  expandQuarterHours,
  gatherFacts,
  quarterHourMs,
  quarterHourOf,
  quarterPowerW,
  quarterStartMs,
  recentImportW,
  recentMs,
  type RunningQuarter,
  runningQuarter,
  type WindowSample,
} from "../../src/domain/index.ts"
import { times } from "../support/Property.ts"

const startMs = Date.parse("2026-01-15T12:00:00Z")

/** A household seen every few seconds, from before a quarter-hour to after it: registers in whole watt-hours. */
const dense = fc
  .record({
    everyS: fc.integer({ min: 1, max: 10 }),
    powers: fc.array(fc.integer({ min: -4000, max: 12_000 }), { minLength: 4, maxLength: 40 }),
  })
  .map(({ everyS, powers }): ReadonlyArray<WindowSample> => {
    let importWs = 36_000_000
    const samples: Array<WindowSample> = []
    for (let second = -300; second <= 3000; second += everyS) {
      const powerW = powers[Math.floor((second + 300) / 90) % powers.length] ?? 0
      samples.push({
        tsMs: startMs + second * 1000,
        importKwh: Math.floor(importWs / 3600) / 1000,
        exportKwh: null,
        powerW,
      })
      importWs += Math.max(powerW, 0) * everyS
    }
    return samples
  })

const runningAt = (samples: ReadonlyArray<WindowSample>): RunningQuarter => {
  const nowMs = samples.at(-1)?.tsMs ?? 0
  const facts = gatherFacts(samples, quarterStartMs(nowMs))
  if (facts === null) throw new Error("no samples")
  return runningQuarter(quarterHourOf(facts), {
    nowMs,
    recentW: recentImportW(samples.filter(({ tsMs }) => tsMs >= nowMs - recentMs)),
    monthlyPeakW: 0,
    firstMeterW: null,
    meterW: null,
  })
}

/** What a reader sees at each sample of the quarter-hour. */
const runOf = (samples: ReadonlyArray<WindowSample>): ReadonlyArray<RunningQuarter> =>
  samples.flatMap(({ tsMs }, i) =>
    tsMs >= startMs && tsMs < startMs + quarterHourMs ? [runningAt(samples.slice(0, i + 1))] : [],
  )

const viewsOf = (samples: ReadonlyArray<WindowSample>) => {
  const starts = [...new Set(samples.map(({ tsMs }) => quarterStartMs(tsMs)))]
  const rows = starts.flatMap((start) => {
    const facts = gatherFacts(samples, start)
    return facts === null ? [] : [quarterHourOf(facts)]
  })
  return expandQuarterHours(rows, -Infinity, Infinity)
}

/** The quarter-hour that sets the peak. */
const peakOf = (samples: ReadonlyArray<WindowSample>) => {
  const views = viewsOf(samples)
  const endMs = Option.getOrNull(Option.map(computedPeak(views), ({ peakTsMs }) => peakTsMs))
  return views.find((view) => view.startMs + quarterHourMs === endMs)
}

describe("whatever a household draws", () => {
  it("what is certain never falls, and the quarter-hour never ends below it", () => {
    fc.assert(
      fc.property(dense, (samples) => {
        const certain = runOf(samples).map(({ certainW }) => certainW)
        certain.slice(1).forEach((watts, i) => {
          expect(watts).toBeGreaterThanOrEqual(certain[i] ?? 0)
        })
        const ended = viewsOf(samples).find((view) => view.startMs === startMs)
        expect(certain.at(-1)).toBeLessThanOrEqual(quarterPowerW(ended?.energyImportWh ?? 0))
      }),
      { numRuns: times(60) },
    )
  })

  it("the forecast at the end of the quarter-hour is the quarter-hour", () => {
    fc.assert(
      fc.property(dense, (samples) => {
        const last = runOf(samples).at(-1)
        const ended = viewsOf(samples).find((view) => view.startMs === startMs)
        if (last === undefined || ended === undefined) throw new Error("no quarter-hour")
        const remainingS = (last.endMs - last.startMs - last.elapsedMs) / 1000
        // In what remains the power may be anything up to 12 kW; registers are whole watt-hours.
        const slackW = quarterPowerW((12_000 * remainingS) / 3600 + 2)
        expect(Math.abs(last.projectedW - quarterPowerW(ended.energyImportWh))).toBeLessThanOrEqual(slackW)
      }),
      { numRuns: times(60) },
    )
  })

  it("a gap never raises the peak, wherever it lies", () => {
    const gapped = fc.record({
      samples: dense,
      fromS: fc.integer({ min: -200, max: 2800 }),
      forS: fc.integer({ min: 60, max: 2500 }),
    })
    fc.assert(
      fc.property(gapped, ({ forS, fromS, samples }) => {
        const inGap = ({ tsMs }: WindowSample) =>
          tsMs >= startMs + fromS * 1000 && tsMs < startMs + (fromS + forS) * 1000
        const whole = peakOf(samples)?.energyImportWh ?? 0
        const gapped = peakOf(samples.filter((sample) => !inGap(sample)))
        const slackWh = Math.max(10, whole * 0.02) + 1
        expect(gapped?.energyImportWh ?? 0).toBeLessThanOrEqual(whole + slackWh)
        // What is certain of it is no more than was.
        expect(gapped?.lowWh ?? 0).toBeLessThanOrEqual(whole)
      }),
      { numRuns: times(300) },
    )
  })
})
