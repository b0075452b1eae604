import { DateTime, FastCheck as fc, Option } from "effect"
import { describe, expect, it } from "vitest"
import {
  computedPeak,
  gatherFacts,
  quarterHourOf,
  quarterStartMs,
  reportedPeaks,
  type Sample,
  thin,
  type ThinningRow,
  thinningStages,
} from "../../src/domain/index.ts"
import { baseMs, sampleAt } from "../support/Samples.ts"
import { times } from "../support/Property.ts"

const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")

const rowOf = (sample: Sample, id: number): ThinningRow => ({
  id,
  tsMs: sample.ts.epochMillis,
  powerW: sample.powerW,
  importKwh: sample.energyImportKwh,
  exportKwh: sample.energyExportKwh,
  said: JSON.stringify([sample.monthlyPowerPeakW, sample.monthlyPowerPeakTs, sample.tariff]),
  saysOfItself: false,
})

/** What bills rest on, of every quarter-hour that holds samples. */
const quartersOf = (samples: ReadonlyArray<Sample>) => {
  const window = samples.map((sample) => ({
    tsMs: sample.ts.epochMillis,
    powerW: sample.powerW,
    importKwh: sample.energyImportKwh,
    exportKwh: sample.energyExportKwh,
  }))
  const starts = [...new Set(window.map(({ tsMs }) => quarterStartMs(tsMs)))]
  return starts.flatMap((startMs) => {
    const facts = gatherFacts(window, startMs)
    return facts === null ? [] : [quarterHourOf(facts)]
  })
}
const billed = (samples: ReadonlyArray<Sample>) =>
  quartersOf(samples).map(({ maxPowerW: _, meanPowerW: __, sampleCount: ___, ...rest }) => rest)

/** Seconds between samples, watts, and what the meter says from then on. */
const step = fc.record({
  jumpKwh: fc.oneof({ weight: 3_000, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-500, 900) }),
  s: fc.oneof({ weight: 60, arbitrary: fc.constant(1) }, { weight: 3, arbitrary: fc.integer({ min: 2, max: 1_500 }) }),
  powerW: fc.integer({ min: -2_000, max: 8_000 }),
})
const series = (registers: boolean) =>
  fc
    .tuple(fc.array(step, { minLength: 4_000, maxLength: 12_000, size: "max" }), fc.integer({ min: 0, max: 900 }))
    .map(([steps, offsetS]) => {
      let tsMs = baseMs + offsetS * 1000
      let importKwh = 1_000
      let exportKwh = 200
      return steps.map(({ jumpKwh, powerW, s }, i) => {
        tsMs += s * 1000
        importKwh += (Math.max(powerW, 0) * s) / 3_600_000 + jumpKwh
        exportKwh += (Math.max(-powerW, 0) * s) / 3_600_000
        return sampleAt(tsMs, {
          powerW,
          energyImportKwh: registers ? Math.round(importKwh * 1000) / 1000 : null,
          energyExportKwh: registers ? Math.round(exportKwh * 1000) / 1000 : null,
          monthlyPowerPeakW: 3_000 + Math.floor(i / 250),
          monthlyPowerPeakTs: DateTime.unsafeMake(baseMs - 60_000),
        })
      })
    })

const thinned = (samples: ReadonlyArray<Sample>, stages = thinningStages): ReadonlyArray<Sample> =>
  stages.reduce((rows, stage) => {
    const gone = new Set(thin(rows.map(rowOf), stage).ids)
    return rows.filter((_, id) => !gone.has(id))
  }, samples)

describe("thinning", () => {
  it("changes no quarter-hour, no peak and no report of the meter's", () => {
    fc.assert(
      fc.property(series(true), (samples) => {
        for (const upTo of [1, 2]) {
          const left = thinned(samples, thinningStages.slice(0, upTo))
          expect(billed(left)).toEqual(billed(samples))
          expect(computedPeak(quartersOf(left))).toEqual(computedPeak(quartersOf(samples)))
          const reports = reportedPeaks(samples, brussels).map(({ month, peakW }) => ({ month, peakW }))
          expect(reportedPeaks(left, brussels).map(({ month, peakW }) => ({ month, peakW }))).toEqual(reports)
        }
      }),
      { numRuns: times(5) },
    )
  })

  it("leaves one sample in ten seconds, then one a minute, of complete quarter-hours", () => {
    const hours = Array.from({ length: 3_600 + 5_400 }, (_, n) =>
      sampleAt(baseMs + n * 1000, { energyImportKwh: 5, energyExportKwh: 5 }),
    )
    // Six a minute and one at the end of each quarter-hour; the last hour and a half is left alone.
    expect(thinned(hours, thinningStages.slice(0, 1))).toHaveLength(4 * (90 + 1) + 5_400)
    expect(thinned(hours, thinningStages.slice(0, 2))).toHaveLength(4 * (15 + 1) + 5_400)
  })

  it("leaves samples without registers to the last stages", () => {
    fc.assert(
      fc.property(series(false), (samples) => {
        const withPower = samples.map((sample) => ({ ...sample, powerW: -Math.abs(sample.powerW) - 1 }))
        expect(thinned(withPower, thinningStages.slice(0, 2))).toEqual(withPower)
      }),
      { numRuns: times(5) },
    )
  })

  it("keeps what says something new", () => {
    const rows = Array.from({ length: 7_000 }, (_, n) =>
      sampleAt(baseMs + n * 1000, { energyImportKwh: 5, energyExportKwh: 5, tariff: n < 333 ? 1 : 2 }),
    )
    const left = thinned(rows)
    expect(left.some(({ ts }) => ts.epochMillis === baseMs + 333_000)).toBe(true)
    const own = rows.map((sample, id) => ({ ...rowOf(sample, id), saysOfItself: id === 77 }))
    expect(thin(own, { stepMs: 60_000, registers: true }).ids).not.toContain(77)
  })

  it("leaves alone what lies around a reading in doubt, or a meter that says something of itself", () => {
    const steady = Array.from({ length: 20_000 }, (_, n) =>
      rowOf(sampleAt(baseMs + n * 1000, { energyImportKwh: n < 9_000 ? 5 : 50, energyExportKwh: 5 }), n + 1),
    )
    const { ids } = thin(steady, { stepMs: 60_000, registers: true })
    expect(ids.some((id) => Math.abs(id - 9_000) < 4_500)).toBe(false)
    expect(ids.length).toBeGreaterThan(3_000)
  })

  it("decides only upon what it can see around, and says how far it came", () => {
    const rows = Array.from({ length: 7_000 }, (_, n) =>
      rowOf(sampleAt(baseMs + n * 1000, { energyImportKwh: 5, energyExportKwh: 5 }), n + 1),
    )
    const stage = { stepMs: 60_000, registers: true }
    expect(Option.fromNullable(thin(rows, stage).mark)).toEqual(Option.some(1_800))
    expect(thin(rows, stage, 900).ids.every((id) => id > 900)).toBe(true)
    expect(thin(rows.slice(0, 5_000), stage)).toEqual({ ids: [], mark: null })
  })
})
