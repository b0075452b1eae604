import { FastCheck as fc } from "effect"
import { describe, expect, it } from "vitest"
import {
  believedPoints,
  expandQuarterHours,
  gatherFacts,
  quarterHourMs,
  quarterHourOf,
  quarterStartMs,
  type RegisterPoint,
  type WindowSample,
} from "../../src/domain/index.ts"
import { times } from "../support/Property.ts"

const startMs = Date.parse("2026-01-15T12:00:00Z")

/** A steady kilowatt from a register, a reading every `stepS` seconds. */
const steady = (fromS: number, toS: number, importKwh: number, stepS = 10): ReadonlyArray<WindowSample> =>
  Array.from({ length: Math.ceil((toS - fromS) / stepS) }, (_, i) => ({
    tsMs: startMs + (fromS + i * stepS) * 1000,
    importKwh: importKwh + (i * stepS) / 3600,
    exportKwh: 0,
    powerW: 1000,
  }))

const replaceAt = (
  samples: ReadonlyArray<WindowSample>,
  index: number,
  importKwh: number,
): ReadonlyArray<WindowSample> => samples.map((sample, i) => (i === index ? { ...sample, importKwh } : sample))

const quartersOf = (samples: ReadonlyArray<WindowSample>, changesMs: ReadonlyArray<number> = []) => {
  const starts = [...new Set(samples.map(({ tsMs }) => quarterStartMs(tsMs)))]
  const rows = starts.flatMap((at) => {
    const facts = gatherFacts(samples, at, changesMs)
    return facts === null ? [] : [quarterHourOf(facts)]
  })
  return expandQuarterHours(rows, -Infinity, Infinity)
}

const energies = (samples: ReadonlyArray<WindowSample>, changesMs: ReadonlyArray<number> = []) =>
  quartersOf(samples, changesMs).map(({ energyImportWh }) => energyImportWh)

describe("a register that glitches", () => {
  const honest = steady(-900, 2700, 5000)
  const expected = energies(honest)

  it.each([
    ["falls to nothing", 120, 0],
    ["shoots up", 120, 9_000_000],
    ["falls right before an edge", 89, 17],
    ["shoots up right at an edge", 90, 9_000],
    ["falls right after an edge", 91, 4_000],
  ])("makes no energy and loses none: it %s for one reading", (_, index, importKwh) => {
    expect(energies(replaceAt(honest, index, importKwh))).toEqual(expected)
  })

  it("makes none in what is not yet complete either", () => {
    const running = honest.filter(({ tsMs }) => tsMs < startMs + 400_000)
    const last = running.length - 1
    expect(Math.max(...energies(replaceAt(running, last, 9_000)))).toBeLessThanOrEqual(250)
    expect(Math.max(...energies(replaceAt(running, last - 1, 9_000)))).toBeLessThanOrEqual(250)
  })
})

describe("a replaced meter", () => {
  const old = steady(-900, 300, 5000)

  it.each([
    ["lower", 3],
    ["higher", 7_000],
  ])("makes no energy across the seam when its register is %s, known by its id", (_, importKwh) => {
    const samples = [...old, ...steady(420, 2700, importKwh)]
    // 290 s of the old and 480 s of the new meter at 1 kW.
    expect(energies(samples, [startMs + 420_000])).toEqual([250, 214, 250, 248])
    expect(quartersOf(samples, [startMs + 420_000]).map(({ eligible }) => eligible)).toEqual([true, false, true, false])
  })

  it("is known by its readings when they have held for 15 minutes and 60 of them, and not before", () => {
    const samples = [...old, ...steady(420, 2700, 7_000)]
    expect(energies(samples)).toEqual([250, 214, 250, 248])
    expect(energies(samples.filter(({ tsMs }) => tsMs < startMs + 1300_000))[1]).toBe(81)
  })

  it("splits no energy of a gap over the time without a meter", () => {
    const samples = [...old, ...steady(4 * 3600, 5 * 3600, 7_000)]
    const all = quartersOf(samples, [startMs + 4 * 3_600_000])
    expect(all.some(({ startMs: at }) => at > startMs && at < startMs + 4 * 3_600_000)).toBe(false)
  })
})

const points = fc.array(
  fc.record({ gapS: fc.integer({ min: 1, max: 600 }), wh: fc.integer({ min: -30_000, max: 30_000 }) }),
  { minLength: 1, maxLength: 80 },
)

describe("whatever the readings", () => {
  it("believes some of them, in order, and never a step of a meter that it could not have taken", () => {
    fc.assert(
      fc.property(points, (steps) => {
        let tsMs = startMs
        let wh = 1_000_000
        const readings = steps.map(({ gapS, wh: step }): RegisterPoint => {
          tsMs += gapS * 1000
          wh = Math.max(0, wh + step)
          return { tsMs, importKwh: wh / 1000, exportKwh: null }
        })
        const believed = believedPoints(readings, [])
        expect(believed[0]?.tsMs).toBe(readings[0]?.tsMs)
        believed.slice(1).forEach((point, i) => {
          const previous = believed[i]
          if (previous?.segment !== point.segment) return
          const wattHours = ((point.importKwh ?? 0) - (previous.importKwh ?? 0)) * 1000
          expect(wattHours).toBeGreaterThanOrEqual(-10.000001)
          expect(wattHours).toBeLessThanOrEqual(((point.tsMs - previous.tsMs) / 3600) * 100 + 1e-6)
        })
      }),
      { numRuns: times(200) },
    )
  })

  it("no glitch makes a quarter-hour that 100 kW could not, and none is negative", () => {
    fc.assert(
      fc.property(points, (steps) => {
        let tsMs = startMs
        let wh = 1_000_000
        const samples = steps.map(({ gapS, wh: step }): WindowSample => {
          tsMs += gapS * 1000
          wh = Math.max(0, wh + step)
          return { tsMs, importKwh: wh / 1000, exportKwh: null, powerW: 500 }
        })
        for (const { energyImportWh } of quartersOf(samples)) {
          expect(energyImportWh).toBeGreaterThanOrEqual(0)
          expect(energyImportWh).toBeLessThanOrEqual((100_000 * quarterHourMs) / 3_600_000 + 1)
        }
      }),
      { numRuns: times(200) },
    )
  })
})
