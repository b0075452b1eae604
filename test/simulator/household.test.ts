import { assert, describe, it } from "@effect/vitest"
import { type Household, type Load, makeHousehold } from "../../src/simulator/index.ts"
import { dayS, secondOf, zone } from "./support.ts"

const household = makeHousehold({ seed: 1, zone })

const loads = (from: Household, fromIso: string, seconds: number, step = 1): ReadonlyArray<Load> =>
  Array.from({ length: Math.floor(seconds / step) }, (_, i) => from.loadAt(secondOf(fromIso) + i * step))

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

describe("the household", () => {
  it("is the same for the same seed, in whatever order it is asked, and another for another seed", () => {
    const forwards = loads(household, "2026-03-03T00:00:00Z", dayS, 7)
    const again = makeHousehold({ seed: 1, zone })
    const start = secondOf("2026-03-03T00:00:00Z")
    const backwards = forwards.map((_, i) => again.loadAt(start + (forwards.length - 1 - i) * 7)).reverse()
    assert.deepStrictEqual(backwards, [...forwards])
    assert.notDeepEqual(loads(makeHousehold({ seed: 2, zone }), "2026-03-03T00:00:00Z", dayS, 7), [...forwards])
  })

  it("draws whole watts whose net is the sum of the phases", () => {
    for (const { l1W, l2W, l3W, netW } of loads(household, "2026-05-05T00:00:00Z", dayS)) {
      assert.isTrue([l1W, l2W, l3W].every(Number.isInteger))
      assert.strictEqual(netW, l1W + l2W + l3W)
    }
  })

  it("exports at noon in summer, draws more in winter, cooks at six and never exports at night", () => {
    const noons = Array.from({ length: 7 }, (_, i) => loads(household, `2026-07-0${i + 1}T11:00:00Z`, 3600, 60)).flat()
    assert.isBelow(mean(noons.map(({ netW }) => netW)), -500)
    assert.isAbove(Math.min(...noons.map(({ netW }) => netW)), -5_000)
    const nights = (month: string) => loads(household, `2026-${month}-10T22:00:00Z`, 7200)
    assert.isTrue(nights("07").every(({ netW }) => netW > 0))
    assert.isAbove(mean(nights("01").map(({ netW }) => netW)), 2 * mean(nights("07").map(({ netW }) => netW)))
    const kitchen = loads(household, "2026-01-10T16:30:00Z", 6_300).map(({ l3W }) => l3W)
    assert.isAbove(Math.max(...kitchen), 1_800)
  })

  it("charges a car on some evenings only", () => {
    const evenings = Array.from({ length: 28 }, (_, i) => {
      const day = String(i + 1).padStart(2, "0")
      return loads(household, `2026-02-${day}T18:00:00Z`, 4 * 3600, 60).some(({ l1W }) => l1W > 7_300)
    })
    const charged = evenings.filter((charging) => charging).length
    assert.isAtLeast(charged, 4)
    assert.isAtMost(charged, 20)
  })

  it("counts Monday to Friday from 7 to 22 h local as tariff 1", () => {
    const tariffAt = (iso: string) => household.local.quarterAt(secondOf(iso)).tariff
    assert.deepStrictEqual(
      ["2026-03-27T05:59:59Z", "2026-03-27T06:00:00Z", "2026-03-27T20:59:59Z", "2026-03-27T21:00:00Z"].map(tariffAt),
      [2, 1, 1, 2],
    )
    assert.deepStrictEqual(["2026-03-28T11:00:00Z", "2026-03-29T11:00:00Z"].map(tariffAt), [2, 2])
    assert.deepStrictEqual(["2026-03-30T04:59:59Z", "2026-03-30T05:00:00Z"].map(tariffAt), [2, 1])
  })

  it("answers 300,000 seconds in far less than a second of a fast machine", () => {
    const start = performance.now()
    loads(household, "2026-04-01T00:00:00Z", 300_000)
    assert.isBelow(performance.now() - start, 3_000)
  })
})
