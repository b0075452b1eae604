import { Option } from "effect"
import { describe, expect, it } from "vitest"
import { odditiesOf, type TakenReading } from "../../src/edge/Oddities.ts"
import { sampleAt } from "../infra/samples.ts"
import { telegram } from "./support/edge.ts"

const peaks = { average_power_15m_w: 300, monthly_power_peak_w: 4000 }
const gas = { unique_id: "G", type: "gas_meter", timestamp: "2026-07-15T02:00:00", value: 5, unit: "m3" }

/** What a meter said at a second, and the registers of its sample. */
const reading = (
  second: number,
  json: Record<string, unknown> = {},
  importKwh = 100,
  exportKwh = 10,
): TakenReading => ({
  measurement: telegram(null, { ...peaks, external: [gas], ...json }),
  sample: {
    ...sampleAt(second),
    energyImportKwh: importKwh,
    energyExportKwh: exportKwh,
  },
})
const told = (before: TakenReading, now: TakenReading) =>
  odditiesOf(Option.some(before), now).map(({ kind, reason }) => `${kind}: ${reason}`)

describe("what is odd about a reading", () => {
  it("is nothing as a rule, also over a gap, and of the first one", () => {
    expect(told(reading(0), reading(1, {}, 100.001))).toEqual([])
    expect(told(reading(0), reading(86_400, {}, 130))).toEqual([])
    expect(odditiesOf(Option.none(), reading(0, { average_power_15m_w: null }))).toEqual([])
  })

  it("is a register that jumps, up or down, and its return", () => {
    expect(told(reading(0), reading(1, {}, 195))).toEqual([
      expect.stringMatching(
        /^RegisterJumped: .* from import 100 kWh, export 10 kWh to import 195 kWh, export 10 kWh: /,
      ),
    ])
    expect(told(reading(0, {}, 195), reading(1))).toHaveLength(1)
    expect(told(reading(0), reading(1, {}, 100, 9))).toHaveLength(1)
    expect(told(reading(0), reading(1, {}, 99.995))).toEqual([])
  })

  it("is another smart meter, whose registers are no jump", () => {
    expect(told(reading(0), reading(1, { unique_id: "4531" }, 0, 0))).toEqual([
      expect.stringMatching(/^MeterReplaced: The smart meter 4530 was replaced by 4531/),
    ])
    expect(told(reading(0), reading(1, { unique_id: null }))).toEqual([])
  })

  it("is the end of the peaks, once, and sub-meters that cannot be read, which never gave peaks are not", () => {
    const without = { average_power_15m_w: null, monthly_power_peak_w: null }
    expect(told(reading(0), reading(1, without))).toEqual([expect.stringMatching(/^PeaksGone: .* request the P1 port/)])
    expect(told(reading(0, without), reading(1, without))).toEqual([])
    expect(told(reading(0), reading(1, { external: [gas, { ...gas, unit: null }, "gas"] }))).toEqual([
      expect.stringMatching(/^SubMeterUnreadable: 2 of 3 sub-meters/),
    ])
    expect(told(reading(0), reading(1, { external: null }))).toEqual([])
  })
})
