import { DateTime, Either, Option, Schema } from "effect"
import { describe, expect, it } from "vitest"
import {
  type KnownStamps,
  Measurement,
  meterInfo,
  normalize,
  Sample,
  sameMeter,
  stampsReported,
} from "../../src/domain/index.ts"
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
      current_l1_a: 4,
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

  it("a field of another type than documented costs only itself", () => {
    const sample = sampleOf({ ...threePhase, tariff: "2", voltage_l1_v: {}, current_l1_a: "4", external: {} })
    expect(sample).toMatchObject({ powerW: -543, tariff: null, voltageL1V: null, currentL1A: null, external: null })
    expect(sampleOf({ ...threePhase, timestamp: 20240628141234 })).toMatchObject({ tsSource: "edge", meterStamp: null })
  })

  it("zeros of a net without neutral are no readings, and those of a phase without load are", () => {
    const net = { power_l1_w: 0, power_l2_w: 0, power_l3_w: 0, voltage_l1_v: 231, voltage_l2_v: 0, voltage_l3_v: 229 }
    const amperes = { current_l1_a: 0.3, current_l2_a: 0, current_l3_a: 0.4 }
    expect(sampleOf({ power_w: -73, ...net, ...amperes })).toMatchObject({
      powerW: -73,
      powerL1W: null,
      powerL2W: null,
      powerL3W: null,
      voltageL1V: 231,
      voltageL2V: null,
      currentL2A: null,
      currentL3A: 0.4,
    })
    expect(sampleOf({ power_w: 73, ...net, power_l1_w: 73 })).toMatchObject({ powerL2W: 0, voltageL2V: 0 })
  })

  it("what was reported before keeps its instant when the hour repeats, and what is new gets the later one", () => {
    const gas = { unique_id: "G", type: "gas_meter", timestamp: "2026-10-25T02:10:17", value: 5, unit: "m3" }
    const peak = { monthly_power_peak_w: 4000, monthly_power_peak_timestamp: "2026-10-25T02:15:00" }
    const at = (now: string, json: unknown, known: KnownStamps = new Map()) => {
      const measurement = decode(json)
      const edge = { now: DateTime.unsafeMake(now), trusted: true }
      const sample = Either.getOrThrow(normalize(measurement, { ...context, edge, known }))
      return { sample, known: stampsReported(measurement, sample, { zone: context.zone, known }) }
    }
    const said = ({ sample }: ReturnType<typeof at>) =>
      [sample.monthlyPowerPeakTs, sample.external?.[0]?.ts].map((ts) => ts && DateTime.formatIso(ts).slice(11, 19))
    const first = at("2026-10-25T00:20:00Z", { power_w: 1, ...peak, external: [gas] })
    expect(said(first)).toEqual(["00:15:00", "00:10:17"])
    const again = at("2026-10-25T01:20:00Z", { power_w: 1, ...peak, external: [gas] }, first.known)
    expect(said(again)).toEqual(["00:15:00", "00:10:17"])
    const news = { power_w: 1, ...peak, monthly_power_peak_w: 5000, external: [{ ...gas, value: 6 }] }
    expect(said(at("2026-10-25T01:20:00Z", news, again.known))).toEqual(["01:15:00", "01:10:17"])
  })

  it("sub-meters and peaks of a meter whose clock runs ahead keep their own times", () => {
    const edge = { now: DateTime.unsafeMake("2024-06-28T11:12:34Z"), trusted: true }
    const sample = Either.getOrThrow(normalize(decode(threePhase), { ...context, edge, movesOn: true }))
    expect(sample.tsSource).toBe("edge")
    expect(sample.external?.map(({ ts }) => DateTime.formatIso(ts).slice(11, 16))).toEqual(["12:00", "12:05"])
  })

  it("without power, or with one that no house can draw, there is no sample", () => {
    expect(normalize(decode({}), context)).toEqual(Either.left({ reason: "NoPower" }))
    expect(normalize(decode({ power_w: 2e7 }), context)).toEqual(Either.left({ reason: "AbsurdPower" }))
  })
})
