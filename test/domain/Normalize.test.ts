import { DateTime, Either, Option, Schema } from "effect"
import { describe, expect, it } from "vitest"
import { Measurement, meterInfo, normalize, Sample, sameMeter } from "../../src/domain/index.ts"
import { onePhase, threePhase } from "../support/measurements.ts"

const context = {
  zone: DateTime.zoneUnsafeMakeNamed("Europe/Brussels"),
  edge: { now: DateTime.unsafeMake("2024-06-28T12:12:35Z"), trusted: true },
  previous: Option.none(),
}
const decode = Schema.decodeUnknownSync(Measurement)
const sampleOf = (json: unknown) => Either.getOrThrow(normalize(decode(json), context))

describe("a measurement becomes a sample", () => {
  it("three-phase, with everything the vendor documents", () => {
    const sample = sampleOf(threePhase)
    expect(Schema.encodeSync(Sample)(sample)).toEqual({
      ts: "2024-06-28T12:12:34.000Z",
      ts_source: "meter",
      meter_stamp: "2024-06-28T14:12:34",
      received_at: "2024-06-28T12:12:35.000Z",
      power_w: -543,
      energy_import_kwh: 13779.338,
      energy_import_t1_kwh: 10830.511,
      energy_import_t2_kwh: 2948.827,
      energy_export_kwh: 0,
      energy_export_t1_kwh: 0,
      energy_export_t2_kwh: 0,
      tariff: 2,
      power_l1_w: -676,
      power_l2_w: 133,
      power_l3_w: 0,
      current_a: 6,
      current_l1_a: -4,
      current_l2_a: 2,
      current_l3_a: 0,
      average_power_15m_w: 123,
      monthly_power_peak_w: 1111,
      monthly_power_peak_ts: "2024-06-04T08:11:22.000Z",
      external: [
        {
          id: "4E6576657220676F6E6E612072756E2061726F756E64",
          kind: "gas_meter",
          ts: "2024-06-28T12:00:00.000Z",
          value: 2569.646,
          unit: "m3",
        },
        {
          id: "616E642064657365727420796F75",
          kind: "water_meter",
          ts: "2024-06-28T12:05:00.000Z",
          value: 123.456,
          unit: "m3",
        },
      ],
    })
  })

  it("one-phase, without totals: they are the sum of the tariffs", () => {
    const sample = sampleOf(onePhase)
    expect(sample.energyImportKwh).toBe(13779.338)
    expect(sample.energyExportKwh).toBe(4162.461)
    expect(sample).toMatchObject({ powerW: -678, powerL1W: -676, powerL2W: null, tariff: null, external: null })
  })

  it("what the meter says of itself goes beside it", () => {
    const info = meterInfo(decode(threePhase), context.edge.now, "6.0503")
    expect(info).toMatchObject({
      model: "ISKRA  2M550T-101",
      protocolVersion: 50,
      firmwareVersion: "6.0503",
      voltageSagL1Count: 1,
      voltageSwellL3Count: 0,
      anyPowerFailCount: 4,
      longPowerFailCount: 5,
    })
    expect(sameMeter(info, { ...info, ts: DateTime.unsafeMake(0) })).toBe(true)
    expect(sameMeter(info, { ...info, anyPowerFailCount: 5 })).toBe(false)
  })

  it("a broken sub-meter costs only itself", () => {
    const broken = [
      { type: "gas_meter", timestamp: "2024-06-28T14:00:00", value: 1, unit: "m3" },
      { unique_id: "A", type: "gas_meter", timestamp: "no date", value: 1, unit: "m3" },
      { unique_id: "B", type: "gas_meter", timestamp: "2024-06-28T14:00:00", value: "1", unit: "m3" },
      null,
      { unique_id: "C", type: "steam_meter", timestamp: "2024-06-28T14:00:00", value: 2, unit: "GJ" },
    ]
    expect(sampleOf({ ...threePhase, external: broken }).external?.map(({ id, kind }) => [id, kind])).toEqual([
      ["C", "steam_meter"],
    ])
  })

  it("more sub-meters than a sample may carry are left out", () => {
    const many = Array.from({ length: 40 }, (_, i) => ({ ...threePhase.external[0], unique_id: `M${i}` }))
    const sample = sampleOf({ ...threePhase, external: many })
    expect(sample.external).toHaveLength(32)
    expect(() => Schema.encodeSync(Sample)(sample)).not.toThrow()
  })

  it("explicit nulls, decimals, a tariff out of range and absurd values are no reason to lose the reading", () => {
    const sample = sampleOf({
      power_w: 412.6,
      tariff: 7,
      power_l1_w: 99_999_999,
      energy_import_kwh: -3,
      voltage_l1_v: null,
      voltage_v: 231.4,
      monthly_power_peak_w: 0,
      monthly_power_peak_timestamp: null,
      external: null,
    })
    expect(sample).toMatchObject({
      powerW: 413,
      tariff: null,
      powerL1W: null,
      energyImportKwh: null,
      voltageL1V: 231.4,
      tsSource: "edge",
      meterStamp: null,
    })
    expect(() => Schema.encodeSync(Sample)(sample)).not.toThrow()
  })

  it("without power, or with one that no house can draw, there is no sample", () => {
    expect(normalize(decode({}), context)).toEqual(Either.left({ reason: "NoPower" }))
    expect(normalize(decode({ power_w: 2e7 }), context)).toEqual(Either.left({ reason: "AbsurdPower" }))
  })
})
