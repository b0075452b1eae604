import { Option } from "effect"
import { describe, expect, it } from "vitest"
import {
  addMonths,
  billedPeaks,
  capacityCost,
  capacityTariffOf,
  type DecidedMonth,
  flemishZones,
  maximumTariffOf,
  meanPeakKw,
  regionOf,
  tariffs2025And2026 as tariffs,
  withoutPeakTariff,
  yearsImportKwh,
} from "../../src/domain/index.ts"

/** kW, as in the worked example that the regulator's rule is explained with. */
const exampleYear = [0.632, 4.6, 0, 1.028, 3.444, 4.164, 4.564, 6, 9.2, 5, 4.12, 4.88]
const wattsOf = (kilowatts: ReadonlyArray<number>) => kilowatts.map((kw) => kw * 1000)
const vat = 1.06

const antwerp = Option.getOrThrow(capacityTariffOf(tariffs, "antwerpen", "2026-03"))
const maximum = maximumTariffOf(tariffs, "2026-03")

const month = (peakKw: number | null, more: Partial<DecidedMonth> = {}): DecidedMonth => {
  const peak = peakKw === null ? Option.none() : Option.some({ peakW: peakKw * 1000, peakTsMs: null })
  return {
    peak,
    source: peakKw === null ? null : "meter",
    manual: Option.none(),
    metered: peak,
    imported: Option.none(),
    computed: Option.none(),
    running: false,
    final: true,
    incomplete: false,
    coverage: 1,
    ...more,
  }
}

describe("the mean monthly peak", () => {
  it("vector A: lifts each month to 2.5 kW before the mean, not the mean", () => {
    expect(meanPeakKw(wattsOf(exampleYear))).toBeCloseTo(4.456, 3)
  })

  it("vector B: leaves unknown months out, and fills none in", () => {
    expect(meanPeakKw(wattsOf([0.632, 4.6, 0]))).toBeCloseTo(3.2, 10)
    expect(meanPeakKw([])).toBeNull()
  })

  it("is that of the last 12 closed months, and with the running one of 11 and it", () => {
    const closed = [9, ...exampleYear.slice(1)].map((kw) => month(kw))
    const running = month(3, { running: true, final: false })
    const { projectedKw, toDateKw } = billedPeaks([...closed, running])
    expect(toDateKw).toBeCloseTo(meanPeakKw(wattsOf([9, ...exampleYear.slice(1)])) ?? 0, 10)
    expect(projectedKw).toBeCloseTo(meanPeakKw(wattsOf([...exampleYear.slice(1), 3])) ?? 0, 10)
  })

  it("does not dip on the first of a month, before the running one has a peak", () => {
    const closed = exampleYear.map((kw) => month(kw))
    const { projectedKw } = billedPeaks([...closed, month(null, { running: true })])
    expect(projectedKw).toBeCloseTo(meanPeakKw(wattsOf(exampleYear.slice(1))) ?? 0, 10)
  })

  it("leaves incomplete months out", () => {
    const { toDateKw } = billedPeaks([month(4), month(9, { incomplete: true }), month(6)])
    expect(toDateKw).toBeCloseTo(5, 10)
  })
})

describe("what it costs", () => {
  it("vector A: in Antwerp in 2026 220.14 euros a year, 233.35 with VAT, 19.45 a month", () => {
    const { totalEur } = capacityCost(meanPeakKw(wattsOf(exampleYear)) ?? 0, null, antwerp, maximum)
    expect(totalEur).toBeCloseTo(220.14, 2)
    expect(totalEur * vat).toBeCloseTo(233.35, 2)
    expect((totalEur * vat) / 12).toBeCloseTo(19.45, 2)
  })

  it("vector C: 600 kWh at 6 kW are capped by the maximum tariff, above the minimum", () => {
    const cost = capacityCost(6, 600, antwerp, maximum)
    expect(cost.capped).toBe(true)
    expect((cost.capacityEur + (cost.perKwhEur ?? 0)) * vat).toBeCloseTo(346.32, 1)
    expect(cost.totalEur * vat).toBeCloseTo(208.37, 1)
    expect(cost.minimumEur * vat).toBeCloseTo(130.92, 2)
  })

  it("never goes below the minimum contribution, however little was taken", () => {
    const cost = capacityCost(6, 10, antwerp, maximum)
    expect(cost).toMatchObject({ capped: true, totalEur: cost.minimumEur })
  })

  it("has no ceiling where the year's import, or the cost per kWh, is not known", () => {
    const in2025 = Option.getOrThrow(capacityTariffOf(tariffs, "west", "2025-07"))
    expect(capacityCost(4, 3000, in2025, maximumTariffOf(tariffs, "2025-07"))).toMatchObject({
      ceilingEur: null,
      totalEur: 4 * 56.93,
      capped: false,
    })
    expect(capacityCost(4, null, antwerp, maximum).ceilingEur).toBeNull()
  })
})

describe("tariffs", () => {
  it("hold from day to day, in each of the eight zones", () => {
    for (const zone of flemishZones) {
      expect(Option.isSome(capacityTariffOf(tariffs, zone, "2025-01"))).toBe(true)
      expect(Option.isSome(capacityTariffOf(tariffs, zone, "2026-12"))).toBe(true)
      expect(capacityTariffOf(tariffs, zone, "2024-12")).toEqual(Option.none())
      expect(capacityTariffOf(tariffs, zone, "2027-01")).toEqual(Option.none())
    }
    expect(Option.map(capacityTariffOf(tariffs, "west", "2025-12"), ({ eurPerKwYear }) => eurPerKwYear)).toEqual(
      Option.some(56.93),
    )
    expect(antwerp.eurPerKwYear * vat).toBeCloseTo(52.37, 2)
  })

  it("are Flemish only: other regions are told apart and given a reason", () => {
    const regions = [
      regionOf({ country: "BE", gridZone: "imewo" }),
      regionOf({ country: "BE", gridZone: "wallonia" }),
      regionOf({ country: "BE", gridZone: "brussels" }),
      regionOf({ country: "NL", gridZone: null }),
      regionOf({ country: "BE", gridZone: null }),
      regionOf({ country: "DE", gridZone: null }),
    ]
    expect(regions).toEqual(["flanders", "wallonia", "brussels", "netherlands", "unknown", "unknown"])
    expect(regions.map((region) => withoutPeakTariff(region) === null)).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
    ])
  })
})

it("counts months over the ends of years", () => {
  expect([addMonths("2026-01", -1), addMonths("2025-12", 1), addMonths("2026-03", -15)]).toEqual([
    "2025-12",
    "2026-01",
    "2024-12",
  ])
})

it("takes the year's import from what is known of it, when that is enough", () => {
  const day = 86_400_000
  const days = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ startMs: i * day, energyImportWh: 10_000, spanMs: day }))
  expect(yearsImportKwh(days(365), 365 * day)).toBeCloseTo(3650, 6)
  expect(yearsImportKwh(days(340), 365 * day)).toBeCloseTo(3650, 6)
  expect(yearsImportKwh(days(300), 365 * day)).toBeNull()
})
