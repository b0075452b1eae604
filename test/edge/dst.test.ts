import { DateTime, Either, Option } from "effect"
import { describe, expect, it } from "vitest"
import { type EdgeTime, normalize, type PreviousSample, quarterHourMs } from "../../src/domain/index.ts"
import { makeHousehold } from "../../src/simulator/index.ts"
import { brussels, telegram } from "./support/edge.ts"

const anything = telegram(null)
const second = (iso: string): number => Date.parse(iso) / 1000
const stampOf = makeHousehold({ seed: 1, zone: "Europe/Brussels" }).local.stampOf

/** The keys of every telegram of a local day at 1 Hz, with what the edge's clock says meanwhile. */
const keysOf = (from: number, to: number, clock: (second: number) => EdgeTime): ReadonlyArray<number> => {
  let previous = Option.none<PreviousSample>()
  return Array.from({ length: to - from }, (_, n) => {
    const said = { ...anything, timestamp: stampOf(from + n) }
    const { ts } = Either.getOrThrow(normalize(said, { zone: brussels, edge: clock(from + n), previous }))
    previous = Option.some({ ts, elapsedMs: 1000, thisRun: true })
    return ts.epochMillis
  })
}

const good = (at: number): EdgeTime => ({ now: DateTime.unsafeMake(at * 1000 + 700), trusted: true })
const wrong = (at: number): EdgeTime => ({ now: DateTime.unsafeMake((at % 86_400) * 1000), trusted: false })

describe("the nights on which the clock is changed, at 1 Hz", () => {
  it.each([
    ["spring", "a good clock", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", good, 82_800, 92],
    ["spring", "a wrong clock", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", wrong, 82_800, 92],
    ["autumn", "a good clock", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", good, 90_000, 100],
    ["autumn", "a wrong clock", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", wrong, 90_000, 100],
  ] as const)("%s, with %s: each telegram is its own second", (_, __, from, to, clock, samples, quarters) => {
    const keys = keysOf(second(from), second(to), clock)
    expect(keys.length).toBe(samples)
    expect(new Set(keys).size).toBe(samples)
    expect(keys.every((ms, n) => ms === (second(from) + n) * 1000)).toBe(true)
    expect(new Set(keys.map((ms) => Math.floor(ms / quarterHourMs))).size).toBe(quarters)
  })
})
