import { DateTime } from "effect"
import { describe, expect, it } from "vitest"
import { cutRange, foldSeries, quarterHourMs, type QuarterHourView, rangeOfFrame } from "../../src/domain/index.ts"

const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const day = rangeOfFrame("day", "2026-10-25", brussels)
const hours = cutRange(day, "hour", brussels)

const quarter = (startMs: number, energyImportWh: number, over: Partial<QuarterHourView> = {}): QuarterHourView => ({
  startMs,
  sampleCount: 900,
  energyImportWh,
  energyExportWh: 0,
  lowWh: energyImportWh,
  highWh: energyImportWh,
  meanPowerW: energyImportWh * 4,
  maxPowerW: energyImportWh * 4 + 100,
  coverage: 1,
  spanMs: quarterHourMs,
  method: "register",
  eligible: true,
  ...over,
})

describe("a series", () => {
  it("adds up: the night of 25 hours by hour holds every quarter-hour once", () => {
    const quarters = Array.from({ length: 100 }, (_, i) => quarter(day.fromMs + i * quarterHourMs, i))
    const points = foldSeries(quarters, hours)
    expect(points).toHaveLength(25)
    expect(points.reduce((sum, { energyImportWh }) => sum + energyImportWh, 0)).toBe((99 * 100) / 2)
    expect(points[1]).toMatchObject({
      energyImportWh: 22,
      meanPowerW: 22,
      maxPowerW: 128,
      peakQuarterW: 28,
      coverage: 1,
    })
  })

  it("gives no point where nothing is known, and no peak where none may be set", () => {
    const points = foldSeries(
      [
        quarter(day.fromMs + 8 * quarterHourMs, 100, {
          eligible: false,
          maxPowerW: null,
          coverage: 0,
          method: "spread",
        }),
        quarter(day.fromMs + 9 * quarterHourMs, 40, { energyExportWh: 90, spanMs: 450_000, coverage: 0.5 }),
      ],
      hours,
    )
    expect(points).toHaveLength(1)
    expect(points[0]).toMatchObject({
      fromMs: day.fromMs + 2 * 3_600_000,
      energyImportWh: 140,
      energyExportWh: 90,
      peakQuarterW: 160,
      coverage: 0.125,
    })
    expect(points[0]?.meanPowerW).toBe(Math.round(50 / 0.375))
  })
})
