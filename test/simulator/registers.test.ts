import { assert, describe, it } from "@effect/vitest"
import { Array as Arr } from "effect"
import { gatherFacts, quarterHourOf, quarterPowerW, type WindowSample } from "../../src/domain/index.ts"
import {
  advance,
  averagePowerW,
  initialState,
  ledgerOf,
  makeEngine,
  makeHousehold,
  registersWh,
} from "../../src/simulator/index.ts"
import { dayS, quarterS, scripted, secondOf, serial, zone } from "./support.ts"

const household = makeHousehold({ seed: 1, zone })
const totals = (state: ReturnType<typeof initialState>) => ({
  importWs: state.importT1Ws + state.importT2Ws,
  exportWs: state.exportT1Ws + state.exportT2Ws,
})

describe("the registers", () => {
  it("differ between two telegrams by exactly the powers reported in between", () => {
    const from = secondOf("2026-06-02T00:00:00Z")
    const origin = initialState(household, from)
    const engine = makeEngine({ household, serial, origin })
    const sums = { importT1Ws: 0, importT2Ws: 0, exportT1Ws: 0, exportT2Ws: 0 }
    for (let second = from; second < from + dayS; second++) {
      const { power_w, tariff } = engine.measurementAtSecond(second)
      const watts = power_w ?? NaN
      if (tariff === 1) {
        sums.importT1Ws += Math.max(watts, 0)
        sums.exportT1Ws += Math.max(-watts, 0)
      } else {
        sums.importT2Ws += Math.max(watts, 0)
        sums.exportT2Ws += Math.max(-watts, 0)
      }
    }
    const end = engine.advanceTo(from + dayS)
    assert.isTrue(Object.values(sums).every((ws) => ws > 0))
    assert.deepStrictEqual(
      {
        importT1Ws: end.importT1Ws - origin.importT1Ws,
        importT2Ws: end.importT2Ws - origin.importT2Ws,
        exportT1Ws: end.exportT1Ws - origin.exportT1Ws,
        exportT2Ws: end.exportT2Ws - origin.exportT2Ws,
      },
      sums,
    )
    const json = engine.measurementAtSecond(from + dayS)
    assert.strictEqual(json.energy_import_t1_kwh, Math.floor(end.importT1Ws / 3600) / 1000)
    assert.strictEqual(json.energy_import_kwh, registersWh(end).importWh / 1000)
  })

  it("come to the same by one step or by many, and from any start within the month", () => {
    const from = secondOf("2026-03-28T23:10:07Z")
    const to = from + dayS
    const origin = initialState(household, from)
    let many = origin
    for (let second = from; second < to; second += 613) many = advance(household, many, Math.min(second + 613, to))
    const fresh = makeHousehold({ seed: 1, zone })
    assert.deepStrictEqual(advance(fresh, origin, to), many)
    assert.deepStrictEqual(initialState(fresh, to), many)
    assert.notDeepEqual(advance(makeHousehold({ seed: 2, zone }), origin, to), many)
  })

  it("do not go back in time", () => {
    const at = secondOf("2026-06-02T10:00:00Z")
    const engine = makeEngine({ household, serial, origin: initialState(household, at) })
    const newest = engine.measurementAtSecond(at + 60)
    assert.deepStrictEqual(engine.measurementAtSecond(at), newest)
  })

  it("are in the ledger at every edge of a quarter-hour", () => {
    const from = secondOf("2026-06-02T10:07:00Z")
    const origin = initialState(household, from)
    const marks = ledgerOf(household, origin, from - dayS, from + 3600)
    assert.deepStrictEqual(
      marks.map(({ second }) => second),
      [8, 23, 38, 53].map((minutes) => from + minutes * 60),
    )
    for (const { second, importWs, exportWs, importWh } of marks) {
      const state = advance(household, origin, second)
      assert.deepStrictEqual({ importWs, exportWs }, totals(state))
      assert.strictEqual(importWh, registersWh(state).importWh)
    }
  })
})

describe("the ledger", () => {
  it("is what quarter-hours decided from readings once a second come to, to the watt-hour", () => {
    const from = secondOf("2026-06-02T04:30:00Z")
    const engine = makeEngine({ household, serial, origin: initialState(household, from) })
    const samples = Array.from({ length: 3 * 3600 + 1 }, (_, i): WindowSample => {
      const json = engine.measurementAtSecond(from + i)
      return {
        tsMs: (from + i) * 1000,
        importKwh: json.energy_import_kwh ?? null,
        exportKwh: json.energy_export_kwh ?? null,
        powerW: json.power_w ?? NaN,
      }
    })
    const marks = engine.ledger(from, from + 3 * 3600)
    assert.strictEqual(marks.length, 13)
    Arr.zip(marks, marks.slice(1)).forEach(([start, end]) => {
      const facts = gatherFacts(samples, start.second * 1000)
      if (facts === null) return assert.fail("a quarter-hour without samples")
      const quarter = quarterHourOf(facts)
      assert.strictEqual(quarter.energyImportWh, end.importWh - start.importWh)
      assert.strictEqual(quarter.energyExportWh, end.exportWh - start.exportWh)
      assert.strictEqual(facts.importIntegralWs, end.importWs - start.importWs)
      assert.isAtMost(Math.abs(quarterPowerW(quarter.energyImportWh) - (end.importWs - start.importWs) / quarterS), 4)
      assert.isTrue(quarter.eligible)
    })
  })
})

describe("the running quarter-hour", () => {
  it("ramps from 0 to the quarter-hour's power, export aside", () => {
    const start = secondOf("2026-06-02T10:00:00Z")
    const steady = scripted((second) => (second % quarterS < 600 ? 3_000 : -5_000))
    let state = initialState(steady, start)
    const ramp = [0, 1, 300, 600, 899, 900].map((elapsed) => {
      state = advance(steady, state, start + elapsed)
      return averagePowerW(state)
    })
    assert.deepStrictEqual(ramp, [0, 3, 1_000, 2_000, 2_000, 0])
    assert.strictEqual(state.peakW, 2_000)
    assert.strictEqual(state.quarterImportWs, 0)
  })
})

describe("the monthly peak", () => {
  const midnight = secondOf("2026-03-31T22:00:00Z")
  /** 1 kW, but 4 kW in the quarter-hour that ends at midnight of 1 April, local time. */
  const late = scripted((second) => (second >= midnight - quarterS && second < midnight ? 4_000 : 1_000))
  const before = initialState(late, midnight - 2 * quarterS)
  const peakAt = (second: number) => {
    const { monthly_power_peak_w: w, monthly_power_peak_timestamp: stamp } = makeEngine({
      household: late,
      serial,
      origin: before,
    }).measurementAtSecond(second)
    return [w, stamp]
  }

  it("is set at the end of a quarter-hour and stamped with it, on the 1st at 00:00 too", () => {
    assert.deepStrictEqual(peakAt(midnight - 1), [1_000, "2026-03-01T00:15:00"])
    assert.deepStrictEqual(peakAt(midnight), [4_000, "2026-04-01T00:00:00"])
  })

  it("is left out in the new month until the first quarter-hour has ended", () => {
    assert.deepStrictEqual(peakAt(midnight + 1), [undefined, undefined])
    assert.deepStrictEqual(peakAt(midnight + quarterS - 1), [undefined, undefined])
    assert.deepStrictEqual(peakAt(midnight + quarterS), [1_000, "2026-04-01T00:15:00"])
  })

  it("stays the first of equals, and is none where nothing is drawn", () => {
    const level = scripted(() => 1_000)
    assert.strictEqual(initialState(level, midnight - 1).peakSecond, secondOf("2026-02-28T23:15:00Z"))
    const exporting = scripted(() => -1_000)
    assert.isNull(initialState(exporting, secondOf("2026-03-03T00:00:00Z")).peakW)
  })
})
