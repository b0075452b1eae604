import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, FastCheck, Schema } from "effect"
import { advance, initialState, makeHousehold, type MeterState, replay } from "../../src/simulator/index.ts"
import { dayS, quarterS, secondOf, zone } from "./support.ts"

const own = makeHousehold({ seed: 1, zone })
const start = secondOf("2025-01-06T00:00:00Z")
const weekOf = (importWh: (quarter: number) => number, exportWh: (quarter: number) => number | null) =>
  Array.from({ length: (7 * dayS) / quarterS }, (_, i) => ({
    startMs: (start + i * quarterS) * 1000,
    energyImportWh: importWh(i),
    energyExportWh: exportWh(i),
  }))
const importWs = ({ importT1Ws, importT2Ws }: MeterState) => importT1Ws + importT2Ws
const exportWs = ({ exportT1Ws, exportT2Ws }: MeterState) => exportT1Ws + exportT2Ws

describe("a household that plays a file of quarter-hours", () => {
  it("takes and returns in each exactly what the file says", () => {
    const Wh = Schema.Int.pipe(Schema.between(0, 5_000))
    const energies = Arbitrary.make(Schema.Struct({ importWh: Wh, exportWh: Schema.NullOr(Wh) }))
    FastCheck.assert(
      FastCheck.property(energies, ({ exportWh, importWh }) => {
        const household = replay(own, [{ startMs: start * 1000, energyImportWh: importWh, energyExportWh: exportWh }])
        let taken = 0
        let returned = 0
        for (let second = start; second < start + quarterS; second++) {
          const { netW } = household.loadAt(second)
          assert.isTrue(Number.isInteger(netW))
          if (netW > 0) taken += netW
          else returned -= netW
        }
        assert.strictEqual(taken, importWh * 3600)
        assert.strictEqual(returned, (exportWh ?? 0) * 3600)
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  it("begins again after whole weeks, before the file and after it", () => {
    const household = replay(
      own,
      weekOf(
        (i) => i,
        () => 0,
      ),
    )
    for (const second of [start, start + 3 * dayS + 4_321, start + 7 * dayS - 1]) {
      const here = household.loadAt(second).netW
      for (const weeks of [-52, -1, 1, 97]) {
        assert.strictEqual(household.loadAt(second + weeks * 7 * dayS).netW, here)
      }
    }
  })

  it("has no power where the file has none, also where it begins with 1970", () => {
    const household = replay(own, [{ startMs: 0, energyImportWh: 250, energyExportWh: 0 }])
    const seconds = [dayS - quarterS, dayS - 1, dayS, dayS + quarterS - 1, dayS + quarterS]
    assert.deepStrictEqual(
      seconds.map((second) => household.loadAt(second).netW),
      [0, 0, 1_000, 1_000, 0],
    )
  })

  it("moves the meter's registers by the file's energy", () => {
    const household = replay(
      own,
      weekOf(
        () => 250,
        (i) => (i % 2 === 0 ? 40 : null),
      ),
    )
    const before = initialState(household, start)
    const after = advance(household, before, start + dayS)
    assert.strictEqual(importWs(after) - importWs(before), 96 * 250 * 3600)
    assert.strictEqual(exportWs(after) - exportWs(before), 48 * 40 * 3600)
    assert.strictEqual(after.peakW, 1_000)
  })
})
