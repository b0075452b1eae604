import { DateTime, Either, Option, Schema } from "effect"
import { describe, expect, it } from "vitest"
import {
  billedPeaks,
  capacityCost,
  capacityTariffOf,
  compareImported,
  computedPeak,
  decideMonth,
  expandQuarterHours,
  gatherFacts,
  maximumTariffOf,
  meanPeakKw,
  monthOf,
  parseTelegram,
  quarterHourMs,
  quarterHourOf,
  quarterPowerW,
  quarterStartMs,
  rangeOfMonth,
  reportedPeaks,
  runningQuarter,
  Sample,
  tariffs2025And2026,
  type WindowSample,
  withImported,
} from "../../src/domain/index.ts"

/*
 * What other programs for the same meter get wrong, each as a case that must come out right here.
 */

const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const startMs = Date.parse("2026-01-15T12:00:00Z")
const at = (second: number, importWh: number | null, powerW = 1000): WindowSample => ({
  tsMs: startMs + second * 1000,
  importKwh: importWh === null ? null : importWh / 1000,
  exportKwh: null,
  powerW,
})
/** A steady draw, a reading every `stepS` seconds. */
const steady = (fromS: number, toS: number, powerW: number, stepS = 10): ReadonlyArray<WindowSample> =>
  Array.from({ length: Math.floor((toS - fromS) / stepS) + 1 }, (_, i) => {
    const second = fromS + i * stepS
    return at(second, 1_000_000 + ((second + 3600) * powerW) / 3600, powerW)
  })
const viewsOf = (samples: ReadonlyArray<WindowSample>) => {
  const starts = [...new Set(samples.map(({ tsMs }) => quarterStartMs(tsMs)))]
  const rows = starts.flatMap((start) => {
    const facts = gatherFacts(samples, start)
    return facts === null ? [] : [quarterHourOf(facts)]
  })
  return expandQuarterHours(rows, -Infinity, Infinity)
}
const peakW = (samples: ReadonlyArray<WindowSample>) =>
  Option.getOrNull(Option.map(computedPeak(viewsOf(samples)), ({ peakW }) => peakW))
const sample = (ts: string, peakW: number | null, peakTs: string | null) =>
  Schema.decodeUnknownSync(Sample)({ ts, power_w: 1, monthly_power_peak_w: peakW, monthly_power_peak_ts: peakTs })
const antwerp = Option.getOrThrow(capacityTariffOf(tariffs2025And2026, "antwerpen", "2026-03"))

const crc16 = (text: string): string => {
  let crc = 0
  for (const character of text) {
    crc ^= character.charCodeAt(0)
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xa001 : 0)
  }
  return crc.toString(16).toUpperCase().padStart(4, "0")
}
const telegramOf = (history: string) => {
  const body = `/FLU5\\253770234_A\r\n\r\n0-0:1.0.0(260301121548W)\r\n0-0:98.1.0${history}\r\n!`
  return Either.getOrThrow(parseTelegram(`${body}${crc16(body)}\r\n`, brussels)).meteredPeaks
}

describe("dsmr-reader", () => {
  it("extrapolates two readings a second apart to a peak: 1 Wh in 1 s is no 3.6 kW", () => {
    const [view] = viewsOf([at(100, 1000), at(101, 1001)])
    expect(view).toMatchObject({ energyImportWh: 1, eligible: false })
    expect(peakW([at(100, 1000), at(101, 1001)])).toBeNull()
  })

  it("loses what flows between the last reading before an edge and the first after it", () => {
    const samples = steady(-905, 1795, 6000, 30)
    const views = viewsOf(samples)
    const total = (samples.at(-1)?.importKwh ?? 0) - (samples[0]?.importKwh ?? 0)
    expect(views.reduce((sum, { energyImportWh }) => sum + energyImportWh, 0)).toBe(Math.round(total * 1000))
    expect(views[1]?.energyImportWh).toBe(1500)
  })
})

describe("Home Assistant", () => {
  it("shows last month's peak in the new month, because the meter repeats it for a while", () => {
    const peaks = reportedPeaks(
      [
        sample("2026-01-31T22:59:59Z", 4000, "2026-01-20T18:15:00Z"),
        sample("2026-01-31T23:00:05Z", 4000, "2026-01-20T18:15:00Z"),
        sample("2026-01-31T23:15:05Z", null, null),
        sample("2026-01-31T23:20:05Z", 0, "2026-01-31T23:00:00Z"),
        sample("2026-01-31T23:30:05Z", 700, "2026-01-31T23:30:00Z"),
      ],
      brussels,
    )
    expect(peaks.map(({ month, peakW }) => [month, peakW])).toEqual([
      ["2026-01", 4000],
      ["2026-02", 700],
    ])
  })

  it("makes energy of a register that glitches", () => {
    const honest = steady(-900, 1800, 2000)
    const glitch = honest.map((each, i) => (i === 95 ? { ...each, importKwh: 99_999 } : each))
    expect(viewsOf(glitch).map(({ energyImportWh }) => energyImportWh)).toEqual(
      viewsOf(honest).map(({ energyImportWh }) => energyImportWh),
    )
  })

  it("goes on with the last value when the meter falls silent", () => {
    const silent = [at(0, null, 9000), at(890, null, 0)]
    expect(viewsOf(silent)[0]).toMatchObject({ energyImportWh: 300, eligible: false })
  })
})

describe("utility_meter and Node-RED recipes", () => {
  it("lose a quarter-hour in which they were restarted: a gap inside it is exact here", () => {
    const restarted = steady(-30, 930, 4000).filter(({ tsMs }) => tsMs < startMs + 200_000 || tsMs > startMs + 700_000)
    expect(viewsOf(restarted)[1]).toMatchObject({ energyImportWh: 1000, method: "register", eligible: true })
  })

  it("apply the floor to the mean: 3.969 kW for 4.456", () => {
    const year = [632, 4600, 0, 1028, 3444, 4164, 4564, 6000, 9200, 5000, 4120, 4880]
    expect(meanPeakKw(year)).toBeCloseTo(4.456, 3)
  })
})

describe("bertvansteen/homewizard_capacity_tariff", () => {
  it("takes a month from when the peak was: one that ended at midnight of the 1st is of the month before", () => {
    expect(telegramOf("(1)(1-0:1.6.0)(1-0:1.6.0)(260301000000W)(260301000000W)(04.329*kW)")).toEqual([
      { month: "2026-02", peakW: 4329, peakTs: DateTime.unsafeMake("2026-02-28T23:00:00Z") },
    ])
  })

  it("overwrites a calendar month when the meter remembers 13", () => {
    const rows = Array.from({ length: 13 }, (_, i) => {
      const month = new Date(Date.UTC(2025, 1 + i, 1))
      const stamp = `${month.toISOString().slice(2, 10).replaceAll("-", "")}000000${i > 1 && i < 9 ? "S" : "W"}`
      return `(${stamp})(${stamp})(0${i % 9}.500*kW)`
    })
    const peaks = telegramOf(`(13)(1-0:1.6.0)(1-0:1.6.0)${rows.join("")}`)
    expect(peaks).toHaveLength(13)
    expect(new Set(peaks.map(({ month }) => month)).size).toBe(13)
    expect([peaks[0]?.month, peaks.at(-1)?.month]).toEqual(["2025-01", "2026-01"])
  })
})

describe("johan71gent/ha-capacity-tariff", () => {
  it("takes the meter's quarter-hour mean for one of the time elapsed: it is a ramp, energy so far over 900 s", () => {
    const samples = steady(300, 386, 9480, 2)
    const facts = gatherFacts(samples, startMs)
    if (facts === null) throw new Error("no samples")
    const running = runningQuarter(quarterHourOf(facts), {
      nowMs: startMs + 386_000,
      recentW: 9480,
      monthlyPeakW: 0,
      firstMeterW: 3160,
      meterW: 4065,
    })
    expect(running.averageW).toBeGreaterThan(9400)
    expect(running.certainW).toBeLessThanOrEqual(4080)
    expect(Math.abs(running.differenceW ?? Infinity)).toBeLessThanOrEqual(10)
    expect(running.projectedW).toBeGreaterThan(9400)
  })

  it("fills unknown months with 2.5 kW: three known ones have a mean of 3.2, not 2.675", () => {
    expect(meanPeakKw([632, 4600, 0])).toBeCloseTo(3.2, 10)
  })

  it("bills this month's peak instead of the mean of twelve, and knows no maximum and no year but 2026", () => {
    const cost = capacityCost(4, 300, antwerp, maximumTariffOf(tariffs2025And2026, "2026-03"))
    expect(cost.capacityEur).toBeCloseTo(4 * 49.4036563, 6)
    expect(cost.capped).toBe(true)
    expect(Option.isSome(capacityTariffOf(tariffs2025And2026, "antwerpen", "2025-03"))).toBe(true)
  })
})

describe("renaudallard/homeassistant_be_electricity_prices", () => {
  it("takes momentary power for a peak: 9 kW for a minute is no 9 kW quarter-hour", () => {
    const kettle = [
      ...steady(-30, 930, 1000).map((each) => {
        const second = (each.tsMs - startMs) / 1000
        const extraWh = second <= 300 ? 0 : (Math.min(second - 300, 60) * 8000) / 3600
        return { ...each, importKwh: (each.importKwh ?? 0) + extraWh / 1000, powerW: second === 300 ? 9000 : 1000 }
      }),
    ]
    const view = viewsOf(kettle)[1]
    expect(quarterPowerW(view?.energyImportWh ?? 0)).toBe(quarterPowerW(383))
    expect(view?.maxPowerW).toBe(9000)
  })

  it("takes watts for kilowatts: a peak of more than a connection can carry is refused", () => {
    const decode = Schema.decodeUnknownEither(Sample)
    expect(Either.isLeft(decode({ ts: "2026-01-01T00:00:00Z", power_w: 1, monthly_power_peak_w: 43_210_000 }))).toBe(
      true,
    )
  })
})

describe("ESPHome dsmr", () => {
  it("shows the last row of the history for all, or a mean with fillers in it", () => {
    const filler = "(632525252525W)(632525252525W)(00.000*kW)"
    const peaks = telegramOf(
      `(4)(1-0:1.6.0)(1-0:1.6.0)${filler}(251201000000W)(251118181500W)(05.000*kW)(260101000000W)(260101000000W)(00.000*kW)(260201000000W)(260120181500W)(03.000*kW)`,
    )
    expect(peaks.map(({ month, peakW }) => [month, peakW])).toEqual([
      ["2025-11", 5000],
      ["2026-01", 3000],
    ])
    expect(telegramOf("(0)(1-0:1.6.0)(1-0:1.6.0)()")).toEqual([])
  })
})

describe("openHAB and P1 Monitor", () => {
  it("keep no history of months or quarter-hours: twelve of them are billed here, from the first telegram on", () => {
    const months = [5000, 3000].map((watts) => ({
      ...decideMonth(
        {
          quarters: [],
          imported: [],
          manual: Option.none(),
          replacedMs: [],
          reported: Option.some({ month: "2026-01", peakW: watts, peakTs: null, reportedAtMs: Infinity }),
        },
        rangeOfMonth("2026-01", brussels),
        Date.parse("2026-03-01T00:00:00Z"),
      ),
    }))
    expect(billedPeaks(months).toDateKw).toBe(4)
  })
})

describe("evcc", () => {
  it("flags what was used while it was down as recovered: here it is spread, and sets no peak", () => {
    const down = [...steady(-900, 300, 1000), at(3 * 3600, 1_000_000 + 1000 + 33_000)]
    const views = viewsOf(down)
    expect(views.filter(({ method }) => method === "spread").every(({ eligible }) => !eligible)).toBe(true)
    expect(peakW(down)).toBe(1000)
  })
})

describe("wluyckx/P1-Edge-VPS", () => {
  it("takes the mean of samples, however unevenly they lie", () => {
    // Every second at 8 kW for a minute, then every 10 s at 500 W: the mean of samples would be some 3.6 kW.
    const burst = Array.from({ length: 60 }, (_, i) => at(i, 1000 + (i * 8000) / 3600, 8000))
    const calm = Array.from({ length: 85 }, (_, i) => at(60 + i * 10, 1000 + 133.3 + (i * 5000) / 3600, 500))
    const view = viewsOf([at(-1, 997.8, 8000), ...burst, ...calm])[1]
    expect(quarterPowerW(view?.energyImportWh ?? 0)).toBeLessThan(1100)
  })

  it("counts months in UTC: the first hour of a Belgian month is not the old month's", () => {
    expect(monthOf(Date.parse("2026-01-31T23:00:00Z"), brussels)).toBe("2026-02")
    expect(monthOf(Date.parse("2026-06-30T22:00:00Z"), brussels)).toBe("2026-07")
  })

  it("accepts a quarter-hour of any coverage", () => {
    const few = Array.from({ length: 10 }, (_, i) => at(i * 10, null, 11_000))
    expect(viewsOf(few)[0]).toMatchObject({ eligible: false, method: "power" })
  })

  it("averages 11 kW before three hours of silence to a peak of 11 kW", () => {
    const before = steady(-1800, 590, 11_000)
    const last = before.at(-1)
    const after = steady(0, 600, 500).map((each) => ({
      ...each,
      tsMs: each.tsMs + 3 * 3_600_000,
      importKwh: (each.importKwh ?? 0) - 1000.5 + (last?.importKwh ?? 0) + 1.5,
    }))
    const samples = [...before, ...after]
    const views = viewsOf(samples)
    const cut = views.find((view) => view.startMs === startMs)
    expect(cut).toMatchObject({ method: "spread", eligible: false })
    expect(cut?.energyImportWh).toBeLessThanOrEqual(cut?.highWh ?? 0)
    expect(views.filter((view) => view.eligible).every((view) => view.startMs < startMs)).toBe(true)
  })
})

describe("the clouds of suppliers", () => {
  it("know a day late: their file is what the numbers here are checked against, not where they come from", () => {
    const views = viewsOf(steady(-30, 930, 4000))
    const imported = [
      { startMs, energyImportWh: 1003, energyExportWh: null, spanS: 900, source: "fluvius", validated: true } as const,
    ]
    expect(withImported(views, imported)).toEqual(views)
    expect(compareImported(views, imported)).toMatchObject({ compared: 1, differing: 1, largestW: 12 })
    expect(startMs % quarterHourMs).toBe(0)
  })
})
