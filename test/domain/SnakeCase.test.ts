import { describe, expect, it } from "vitest"
import { Schema } from "effect"
import { Sample } from "../../src/domain/index.ts"
import { nullable, snakeCase, SnakeStruct } from "../../src/domain/SnakeCase.ts"

describe("snake_case on the wire", () => {
  it.each([
    ["powerW", "power_w"],
    ["energyImportT1Kwh", "energy_import_t1_kwh"],
    ["averagePower15mW", "average_power_15m_w"],
    ["voltageSagL3Count", "voltage_sag_l3_count"],
    ["ts", "ts"],
  ])("%s is written %s", (name, key) => {
    expect(snakeCase(name)).toBe(key)
  })

  const Row = SnakeStruct({ powerW: Schema.Number, peakW: Schema.NullOr(Schema.Number), tariff: nullable(Schema.Int) })

  it("takes absent and null for the same and leaves them out again", () => {
    const decode = Schema.decodeUnknownSync(Row)
    expect(decode({ power_w: 1, peak_w: null })).toEqual({ powerW: 1, peakW: null, tariff: null })
    expect(decode({ power_w: 1, peak_w: null, tariff: null })).toEqual({ powerW: 1, peakW: null, tariff: null })
    expect(Schema.encodeSync(Row)({ powerW: 1, peakW: null, tariff: null })).toEqual({ power_w: 1, peak_w: null })
  })

  it("refuses a wrong type and a missing field, and names it as it is written", () => {
    const decode = Schema.decodeUnknownEither(Row)
    expect(String(decode({ power_w: "1", peak_w: null }))).toContain("power_w")
    expect(String(decode({ power_w: 1 }))).toContain("peak_w")
  })

  it("checks what it writes", () => {
    const sample = Schema.decodeUnknownSync(Sample)({ ts: "2026-01-01T00:00:00Z", power_w: 1 })
    expect(() => Schema.encodeSync(Sample)({ ...sample, energyImportKwh: -1 })).toThrow("energy_import_kwh")
  })
})
