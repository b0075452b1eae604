import { DateTime, Option, Schema } from "effect"
import { describe, expect, it } from "vitest"
import {
  computedPeak,
  fromEpochMillis,
  monthlyPeak,
  quarterHourMs,
  type QuarterHourView,
  reportedPeaks,
  Sample,
} from "../../src/domain/index.ts"

const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const noonMs = Date.parse("2026-01-15T12:00:00Z")

const quarter = (index: number, energyImportWh: number, eligible = true): QuarterHourView => ({
  startMs: noonMs + index * quarterHourMs,
  sampleCount: 900,
  energyImportWh,
  energyExportWh: 0,
  lowWh: energyImportWh,
  highWh: energyImportWh,
  meanPowerW: energyImportWh * 4,
  maxPowerW: energyImportWh * 4,
  coverage: 1,
  spanMs: quarterHourMs,
  method: "register",
  eligible,
})

const reportAt = (index: number, peakW: number) =>
  Option.some({
    month: "2026-01",
    peakW,
    peakTs: fromEpochMillis(noonMs),
    reportedAtMs: noonMs + index * quarterHourMs,
  })

describe("the computed peak", () => {
  it("is the highest eligible quarter-hour, and of equals the first", () => {
    const quarters = [quarter(0, 500), quarter(1, 900), quarter(2, 2000, false), quarter(3, 900)]
    expect(computedPeak(quarters)).toEqual(Option.some({ peakW: 3600, peakTsMs: noonMs + 2 * quarterHourMs }))
    expect(computedPeak([quarter(0, 500, false)])).toEqual(Option.none())
  })
})

describe("the monthly peak", () => {
  const quarters = [quarter(0, 900), quarter(1, 500), quarter(2, 1000)]

  it("is what the meter says, whatever was computed before it said so", () => {
    const { peak, source, metered, computed } = monthlyPeak(quarters, reportAt(3, 3610))
    expect([source, Option.map(peak, ({ peakW }) => peakW)]).toEqual(["meter", Option.some(3610)])
    expect(Option.map(metered, ({ peakW }) => peakW)).toEqual(Option.some(3610))
    expect(Option.map(computed, ({ peakW }) => peakW)).toEqual(Option.some(4000))
  })

  it("is a quarter-hour since the meter's last report when that is higher", () => {
    const { peak, source } = monthlyPeak(quarters, reportAt(2.5, 3610))
    expect([source, Option.map(peak, ({ peakW }) => peakW)]).toEqual(["computed", Option.some(4000)])
  })

  it("is the computed one without a report, and nothing when there is nothing", () => {
    expect(monthlyPeak(quarters, Option.none()).source).toBe("computed")
    expect(monthlyPeak([], Option.none())).toMatchObject({ peak: Option.none(), source: null })
  })
})

describe("peaks that samples report", () => {
  const sample = (ts: string, peakW: number | null, peakTs: string | null) =>
    Schema.decodeUnknownSync(Sample)({ ts, power_w: 1, monthly_power_peak_w: peakW, monthly_power_peak_ts: peakTs })

  it("belong to the month in which their quarter-hour began", () => {
    const peaks = reportedPeaks(
      [
        sample("2026-01-31T22:59:59Z", 3000, "2026-01-20T18:15:00Z"),
        sample("2026-01-31T23:00:05Z", 4000, "2026-01-31T23:00:00Z"),
        sample("2026-02-01T00:00:05Z", 500, "2026-01-31T23:15:00Z"),
      ],
      brussels,
    )
    expect(peaks.map(({ month, peakW }) => [month, peakW])).toEqual([
      ["2026-01", 4000],
      ["2026-02", 500],
    ])
  })

  it("zero, null and a peak without a time are no peak; the latest report of a month counts", () => {
    const peaks = reportedPeaks(
      [
        sample("2026-01-10T00:00:00Z", 3000, "2026-01-05T18:15:00Z"),
        sample("2026-01-09T00:00:00Z", 2000, "2026-01-04T18:15:00Z"),
        sample("2026-01-11T00:00:00Z", 0, "2026-01-11T00:00:00Z"),
        sample("2026-01-12T00:00:00Z", null, null),
        sample("2026-01-13T00:00:00Z", 9000, null),
      ],
      brussels,
    )
    expect(peaks.map(({ peakW }) => peakW)).toEqual([3000])
  })
})
