import { FastCheck as fc } from "effect"
import { describe, expect, it } from "vitest"
import {
  expandQuarterHours,
  gatherFacts,
  type QuarterHour,
  quarterHourMs,
  quarterHourOf,
  quarterStartMs,
  type WindowSample,
} from "../../src/domain/index.ts"
import { times } from "../support/Property.ts"

const startMs = Date.parse("2026-01-15T12:00:00Z")

/** A sample `second` seconds after 12:00 with an import register in Wh. */
const at = (second: number, importWh: number | null, powerW = 1000, exportWh: number | null = 0): WindowSample => ({
  tsMs: startMs + second * 1000,
  importKwh: importWh === null ? null : importWh / 1000,
  exportKwh: exportWh === null ? null : exportWh / 1000,
  powerW,
})

const windowsOf = (samples: ReadonlyArray<WindowSample>): ReadonlyArray<QuarterHour> =>
  [...new Set(samples.map(({ tsMs }) => quarterStartMs(tsMs)))].flatMap((windowMs) => {
    const facts = gatherFacts(samples, windowMs)
    return facts === null ? [] : [quarterHourOf(facts)]
  })

const only = (samples: ReadonlyArray<WindowSample>): QuarterHour => {
  const quarter = windowsOf(samples).find((window) => window.startMs === startMs)
  if (quarter === undefined) throw new Error("no such window")
  return quarter
}

describe("a quarter-hour by its registers", () => {
  it("interpolates both edges between the neighbouring samples", () => {
    const quarter = only([at(-10, 1000), at(10, 1020), at(450, 1500), at(890, 1900), at(910, 1960)])
    expect(quarter).toMatchObject({
      startImportWh: 1010,
      endImportWh: 1930,
      energyImportWh: 920,
      lowWh: 878,
      highWh: 962,
      method: "register",
      spanMs: quarterHourMs,
    })
  })

  it("takes a sample on the edge at its word", () => {
    const quarter = only([at(-60, 900), at(0, 1000), at(60, 1050), at(840, 1700), at(900, 1750)])
    expect(quarter).toMatchObject({ startImportWh: 1000, endImportWh: 1750, energyImportWh: 750, eligible: true })
    expect(quarter.highWh).toBe(752)
  })

  it("may set a peak when its edges are close, or its bounds are", () => {
    expect(only([at(-15, 1000), at(15, 1100), at(885, 2900), at(915, 3000)]).eligible).toBe(true)
    expect(only([at(-16, 1000), at(15, 1100), at(885, 2900), at(915, 3000)]).eligible).toBe(false)
    expect(only([at(-300, 1000), at(5, 1004), at(895, 1500), at(1200, 1506)]).eligible).toBe(true)
    expect(only([at(-300, 1000), at(5, 1004), at(895, 1500), at(1200, 1520)]).eligible).toBe(false)
  })

  it("never lets a gap over an edge make a peak: 11 kW before three hours of silence", () => {
    const before = Array.from({ length: 60 }, (_, i) => at(i * 10, 1000 + (i * 110) / 3.6))
    const after = at(3 * 3600, 1000 + (600 * 110) / 36 + 500)
    const quarter = only([at(-10, 970), ...before, after])
    expect(quarter.method).toBe("spread")
    expect(quarter.eligible).toBe(false)
    expect(quarter.energyImportWh).toBeGreaterThanOrEqual(quarter.lowWh)
    expect(quarter.energyImportWh).toBeLessThanOrEqual(quarter.highWh ?? 0)
  })

  it("knows no upper bound while nothing follows, and stands for the time so far", () => {
    const quarter = only([at(-1, 1000), at(1, 1002), at(300, 1300)])
    expect(quarter).toMatchObject({ energyImportWh: 299, highWh: null, eligible: false, spanMs: 300_000 })
  })

  it("counts no energy across a replaced meter, and none for noise", () => {
    const replaced = only([at(-5, 900_000), at(5, 900_010), at(895, 900_500), at(905, 12)])
    expect(replaced).toMatchObject({ energyImportWh: 495, highWh: null, eligible: false })
    const noisy = only([at(-5, 1000), at(5, 1000), at(895, 1000), at(905, 999)])
    expect(noisy.energyImportWh).toBe(0)
  })

  it("does not believe a rise that 100 kW could not make", () => {
    const glitch = only([at(-5, 1000), at(5, 1010), at(895, 1500), at(905, 95_000)])
    expect(glitch.energyImportWh).toBe(495)
  })

  it("covers what lies between samples at most 120 s apart", () => {
    const seconds = (from: number, to: number, step: number) =>
      Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step)
    const full = only(seconds(-60, 960, 60).map((second) => at(second, 1000 + second)))
    expect(full.coverage).toBe(1)
    const holed = only([...seconds(-60, 300, 60), ...seconds(600, 960, 60)].map((second) => at(second, 1000 + second)))
    expect(holed.coverage).toBeCloseTo(2 / 3, 10)
  })
})

describe("a quarter-hour without registers", () => {
  it("integrates power, each value held for at most 120 s", () => {
    const quarter = only([at(0, null, 3600, null), at(100, null, 7200, null), at(500, null, -3600, null)])
    expect(quarter).toMatchObject({ method: "power", energyImportWh: 100 + 240, energyExportWh: 0, highWh: null })
    expect(quarter.eligible).toBe(false)
  })

  it("may set a peak from 0.9 of its time on", () => {
    const every = (step: number) => Array.from({ length: 900 / step + 1 }, (_, i) => at(i * step, null, 1000, null))
    expect(only(every(60))).toMatchObject({ energyImportWh: 250, coverage: 1, eligible: true })
  })
})

/** A household's readings: irregular steps, registers that only rise. */
const readings = fc
  .array(fc.record({ gapS: fc.integer({ min: 1, max: 2500 }), powerW: fc.integer({ min: -5000, max: 12000 }) }), {
    minLength: 2,
    maxLength: 60,
  })
  .map((steps) => {
    let second = -1000
    let importWh = 5_000_000
    let exportWh = 1_000_000
    return steps.map(({ gapS, powerW }) => {
      second += gapS
      importWh += Math.max(powerW, 0) * (gapS / 3600)
      exportWh += Math.max(-powerW, 0) * (gapS / 3600)
      return at(second, Math.floor(importWh), powerW, Math.floor(exportWh))
    })
  })

describe("whatever the readings", () => {
  it("quarter-hours and the gaps between them add up to the registers' difference, to the watt-hour", () => {
    fc.assert(
      fc.property(readings, (samples) => {
        const all = expandQuarterHours(windowsOf(samples), -Infinity, Infinity)
        const first = samples[0]
        const last = samples.at(-1)
        const sum = (key: "energyImportWh" | "energyExportWh") =>
          all.reduce((total, quarter) => total + quarter[key], 0)
        const difference = (register: "importKwh" | "exportKwh") =>
          Math.round((last?.[register] ?? 0) * 1000) - Math.round((first?.[register] ?? 0) * 1000)
        expect(sum("energyImportWh")).toBe(difference("importKwh"))
        expect(sum("energyExportWh")).toBe(difference("exportKwh"))
        all.slice(1).forEach((quarter, i) => {
          expect(quarter.startMs - (all[i]?.startMs ?? 0)).toBe(quarterHourMs)
        })
      }),
      { numRuns: times(300) },
    )
  })

  it("no energy is negative and each lies within its bounds", () => {
    fc.assert(
      fc.property(readings, (samples) => {
        for (const quarter of expandQuarterHours(windowsOf(samples), -Infinity, Infinity)) {
          expect(quarter.energyImportWh).toBeGreaterThanOrEqual(quarter.lowWh)
          expect(quarter.energyExportWh).toBeGreaterThanOrEqual(0)
          expect(quarter.energyImportWh).toBeLessThanOrEqual(quarter.highWh ?? Infinity)
          expect(quarter.coverage).toBeGreaterThanOrEqual(0)
          expect(quarter.coverage).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: times(300) },
    )
  })

  it("leaving out samples inside a window changes no energy of it", () => {
    fc.assert(
      fc.property(readings, (samples) => {
        const whole = windowsOf(samples)
        for (const window of whole) {
          const kept = samples.filter(
            ({ tsMs }) =>
              quarterStartMs(tsMs) !== window.startMs || tsMs === window.first.tsMs || tsMs === window.last.tsMs,
          )
          const again = windowsOf(kept).find(({ startMs: other }) => other === window.startMs)
          expect(again?.energyImportWh).toBe(window.energyImportWh)
        }
      }),
      { numRuns: times(100) },
    )
  })
})
