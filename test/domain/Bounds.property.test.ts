import { FastCheck as fc } from "effect"
import { describe, expect, it } from "vitest"
import {
  expandQuarterHours,
  gatherFacts,
  quarterHourMs,
  quarterHourOf,
  quarterStartMs,
  type WindowSample,
} from "../../src/domain/index.ts"
import { times } from "../support/Property.ts"

const beganMs = Date.parse("2026-01-15T12:00:00Z")

interface Played {
  readonly samples: ReadonlyArray<WindowSample>
  /** Import so far at the edges of quarter-hours, watt-seconds. */
  readonly truthWs: ReadonlyMap<number, number>
}

const step = (forS: fc.Arbitrary<number>) =>
  fc.record({
    forS,
    powerW: fc.oneof(fc.integer({ min: -5_000, max: 12_000 }), fc.integer({ min: 0, max: 700 })),
    tariff: fc.constantFrom(0 as const, 1 as const),
    isRead: fc.integer({ min: 0, max: 7 }).map((n) => n > 0),
  })
const steps = (forS: fc.Arbitrary<number>) => fc.array(step(forS), { minLength: 40, maxLength: 80 })

/** A meter that counts watt-seconds in two registers and says whole watt-hours of them: read at odd times, or on edges. */
const played = fc
  .oneof(
    steps(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 20, max: 2_500 }))),
    steps(fc.constantFrom(150, 300, 450, 900)),
  )
  .map((steps): Played => {
    const registersWs = [3_600_000_123, 7_200_003_599]
    const truthWs = new Map<number, number>()
    const samples: Array<WindowSample> = []
    let second = beganMs / 1000 - 600
    for (const { forS, isRead, powerW, tariff } of steps) {
      const watts = Math.max(powerW, 0)
      const total = registersWs.reduce((a, b) => a + b, 0)
      for (let edge = Math.ceil(second / 900) * 900; edge <= second + forS; edge += 900) {
        truthWs.set(edge * 1000, total + watts * (edge - second))
      }
      if (isRead) {
        const importKwh = registersWs.reduce((wh, ws) => wh + Math.floor(ws / 3600), 0) / 1000
        samples.push({ tsMs: second * 1000, importKwh, exportKwh: null, powerW })
      }
      registersWs[tariff] = (registersWs[tariff] ?? 0) + watts * forS
      second += forS
    }
    return { samples, truthWs }
  })

describe("whatever a meter of two registers counted", () => {
  it("lies within the bounds of the quarter-hour, gaps and whole watt-hours or not", () => {
    let bounded = 0
    fc.assert(
      fc.property(played, ({ samples, truthWs }) => {
        const starts = [...new Set(samples.map(({ tsMs }) => quarterStartMs(tsMs)))]
        const rows = starts.flatMap((startMs) => {
          const facts = gatherFacts(samples, startMs)
          return facts === null ? [] : [quarterHourOf(facts)]
        })
        for (const { highWh, lowWh, startMs } of expandQuarterHours(rows, -Infinity, Infinity)) {
          const wh = ((truthWs.get(startMs + quarterHourMs) ?? NaN) - (truthWs.get(startMs) ?? NaN)) / 3600
          if (Number.isNaN(wh)) continue
          expect(lowWh).toBeLessThanOrEqual(wh)
          expect(highWh ?? Infinity).toBeGreaterThanOrEqual(wh)
          if (highWh !== null) bounded += 1
        }
      }),
      { numRuns: times(400) },
    )
    expect(bounded).toBeGreaterThan(1_000)
  })
})
