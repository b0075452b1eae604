import { DateTime, Option, Schema } from "effect"
import { describe, expect, it } from "vitest"
import {
  computedPeak,
  decideMonth,
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

const none = { reported: Option.none(), manual: Option.none(), imported: Option.none(), replacedMs: [] }
const peakOf = (peakW: number) => Option.some({ peakW, peakTsMs: null })
const watts = Option.map(({ peakW }: { readonly peakW: number }) => peakW)

describe("the monthly peak", () => {
  const quarters = [quarter(0, 900), quarter(1, 500), quarter(2, 1000)]

  it("is the old meter's quarter-hour where a new one, which knows nothing of it, reports less", () => {
    const replacedMs = [noonMs + 2 * quarterHourMs]
    const decided = monthlyPeak({ ...none, quarters, reported: reportAt(3, 2000), replacedMs })
    expect([decided.source, watts(decided.peak)]).toEqual(["computed", Option.some(3600)])
    // One that was replaced only after it reported has seen all of them.
    const before = monthlyPeak({ ...none, quarters, reported: reportAt(3, 2000), replacedMs: [noonMs + 1e9] })
    expect([before.source, watts(before.peak)]).toEqual(["meter", Option.some(2000)])
  })

  it("is what the meter says, whatever was computed before it said so", () => {
    const decided = monthlyPeak({ ...none, quarters, reported: reportAt(3, 3610) })
    expect([decided.source, watts(decided.peak)]).toEqual(["meter", Option.some(3610)])
    expect(watts(decided.metered)).toEqual(Option.some(3610))
    expect(watts(decided.computed)).toEqual(Option.some(4000))
  })

  it("is a quarter-hour since the meter's last report when that is higher", () => {
    const { peak, source } = monthlyPeak({ ...none, quarters, reported: reportAt(2.5, 3610) })
    expect([source, watts(peak)]).toEqual(["computed", Option.some(4000)])
  })

  it("is the computed one without a report, and nothing when there is nothing", () => {
    expect(monthlyPeak({ ...none, quarters }).source).toBe("computed")
    expect(monthlyPeak({ ...none, quarters: [] })).toMatchObject({ peak: Option.none(), source: null })
  })

  it("is what was typed, then the meter's, then that of an import of the month, then the computed; all are shown", () => {
    const all = { ...none, quarters, reported: reportAt(3, 3610), manual: peakOf(4200), imported: peakOf(3900) }
    const bySource = [
      all,
      { ...all, manual: Option.none() },
      { ...all, manual: Option.none(), reported: Option.none() },
      { ...none, quarters },
    ].map((evidence) => monthlyPeak(evidence))
    expect(bySource.map(({ peak, source }) => [source, Option.getOrNull(watts(peak))])).toEqual([
      ["manual", 4200],
      ["meter", 3610],
      ["import", 3900],
      ["computed", 4000],
    ])
    const [first] = bySource
    expect(
      [first?.manual, first?.metered, first?.imported, first?.computed].map((peak) => peak && watts(peak)),
    ).toEqual([4200, 3610, 3900, 4000].map(Option.some))
  })

  it("says of a single imported quarter-hour that it is imported, and does not count it as computed", () => {
    const imported = { ...quarter(3, 2000), method: "import" as const }
    const decided = monthlyPeak({ ...none, quarters: [...quarters, imported] })
    expect(decided.source).toBe("import")
    expect(watts(decided.computed)).toEqual(Option.some(4000))
  })
})

describe("a month", () => {
  const range = { fromMs: noonMs, toMs: noonMs + 10 * quarterHourMs }
  const after = range.toMs + 1
  const decide = (indexes: ReadonlyArray<number>, more = {}, nowMs = after) =>
    decideMonth({ ...none, quarters: indexes.map((index) => quarter(index, 900)), imported: [], ...more }, range, nowMs)
  const nine = [0, 1, 2, 3, 4, 5, 6, 7, 8]

  it("is incomplete when less than 0.9 of its time is covered, and no one else knows its peak", () => {
    expect(decide(nine)).toMatchObject({ incomplete: false, final: false, running: false })
    expect(decide(nine.slice(1)).incomplete).toBe(true)
    expect(decide([0], { manual: peakOf(4200) })).toMatchObject({ incomplete: false, final: true })
    expect(decide([0], { reported: reportAt(10, 3610) })).toMatchObject({ incomplete: false, final: true })
    expect(decide([0], { reported: reportAt(2, 3610) })).toMatchObject({ incomplete: true, final: false })
  })

  it("that runs is judged by its time so far, and by the meter at its word", () => {
    expect(decide([0, 1], {}, noonMs + 2 * quarterHourMs)).toMatchObject({ incomplete: false, running: true })
    expect(decide([1], {}, noonMs + 2 * quarterHourMs).incomplete).toBe(true)
    expect(decide([1], { reported: reportAt(1, 3610) }, noonMs + 2 * quarterHourMs).incomplete).toBe(false)
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
