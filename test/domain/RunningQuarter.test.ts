import { describe, expect, it } from "vitest"
import { gatherFacts, quarterHourMs, quarterHourOf, runningQuarter, type WindowSample } from "../../src/domain/index.ts"

const startMs = Date.parse("2026-01-15T12:00:00Z")

/** A steady draw of 6 kW from a second before the quarter-hour on. */
const steady = (untilS: number): ReadonlyArray<WindowSample> =>
  Array.from({ length: untilS + 2 }, (_, i) => ({
    tsMs: startMs + (i - 1) * 1000,
    importKwh: 1000 + (i * 6) / 3600,
    exportKwh: 0,
    powerW: 6000,
  }))

const at = (elapsedS: number, recentW = 6000, monthlyPeakW = 0) => {
  const facts = gatherFacts(steady(elapsedS), startMs)
  if (facts === null) throw new Error("no samples")
  const nowMs = startMs + elapsedS * 1000
  return runningQuarter(quarterHourOf(facts), { nowMs, recentW, monthlyPeakW, firstMeterW: null, meterW: null })
}

describe("the running quarter-hour", () => {
  it("a third of the way through 6 kW", () => {
    const running = at(300)
    expect(running).toMatchObject({ elapsedMs: 300_000, endMs: startMs + quarterHourMs, energyImportWh: 500 })
    expect(running.averageW).toBe(6000)
    expect(running.certainW).toBe(1992)
    expect(running.projectedW).toBe(6000)
    expect(running.coverage).toBe(1)
  })

  it("projects what the last minute would make of it", () => {
    expect(at(300, 0).projectedW).toBe(2000)
    expect(at(300, 12_000).projectedW).toBe(10_000)
  })

  it("allows what the monthly peak, or the 2.5 kW that are billed anyhow, leave for the rest", () => {
    expect(at(300, 6000, 0).allowanceW).toBe(750)
    expect(at(300, 6000, 8000).allowanceW).toBe(9000)
    expect(at(600).allowanceW).toBe(0)
  })

  it("ends at what it projected, and what is certain never falls", () => {
    const certain = [1, 60, 300, 600, 898, 899].map((elapsedS) => at(elapsedS).certainW)
    expect(certain).toEqual(certain.toSorted((a, b) => a - b))
    expect(Math.abs(at(899).projectedW - 6000)).toBeLessThanOrEqual(4)
  })
})

describe("the meter's own count of the running quarter-hour", () => {
  /** 6 kW seen from 300 s into the quarter-hour on: the meter has counted 500 Wh by then. */
  const samples = steady(400).slice(301)
  const running = (first: ReadonlyArray<WindowSample>, firstMeterW: number | null, meterW: number | null) => {
    const facts = gatherFacts([...first, ...samples], startMs)
    if (facts === null) throw new Error("no samples")
    const readings = { nowMs: startMs + 400_000, recentW: 6000, monthlyPeakW: 0, firstMeterW, meterW }
    return runningQuarter(quarterHourOf(facts), readings)
  }

  it("is taken for the seconds before the first sample, and for nothing else", () => {
    expect(running([], 2000, 2666)).toMatchObject({
      startSource: "meter",
      energyImportWh: 667,
      certainW: 2660,
      averageW: 6003,
      differenceW: -2,
    })
    expect(running([], null, null)).toMatchObject({ startSource: "unknown", energyImportWh: 166, differenceW: null })
  })

  it("is a check on the register, never preferred to it", () => {
    const whole = steady(301)
    expect(running(whole, 0, 2500)).toMatchObject({ startSource: "register", energyImportWh: 666, differenceW: -164 })
  })

  it("comes before a share of a gap, whose split is not known", () => {
    const longAgo = steady(0)
      .slice(0, 1)
      .map((sample) => ({ ...sample, tsMs: startMs - 600_000, importKwh: 999.5 }))
    expect(running(longAgo, null, null)).toMatchObject({ startSource: "spread" })
    expect(running(longAgo, 2000, 2666)).toMatchObject({ startSource: "meter", energyImportWh: 667 })
  })
})
