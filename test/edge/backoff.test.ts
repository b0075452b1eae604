import { describe, expect, it } from "@effect/vitest"
import { Chunk, Duration, Effect, FastCheck, Random, Schedule } from "effect"
import { backoff, backoffAtLeast } from "../../src/edge/Backoff.ts"

const delaysOf = (schedule: Schedule.Schedule<unknown, unknown>, seed: number, retries: number) =>
  Schedule.run(Schedule.delays(schedule), 0, Array.from({ length: retries })).pipe(
    Effect.map((delays) => Chunk.toReadonlyArray(delays).map(Duration.toMillis)),
    Effect.withRandom(Random.make(seed)),
  )

describe("backing off", () => {
  const seeds = FastCheck.integer({ min: 0 })

  it.effect.prop(
    "waits up to 1 s, then up to twice as long each time, never more than 60 s",
    [seeds],
    ([seed]) =>
      Effect.gen(function* () {
        const delays = yield* delaysOf(backoff, seed, 12)
        delays.forEach((delay, n) => {
          expect(delay).toBeGreaterThanOrEqual(0)
          expect(delay).toBeLessThanOrEqual(Math.min(1000 * 2 ** n, 60_000))
        })
      }),
    { fastCheck: { numRuns: 25 } },
  )

  it.effect("spreads over the whole time, also when it no longer grows, after any number of failures", () =>
    Effect.gen(function* () {
      const delays = (yield* delaysOf(backoff, 1, 2000)).slice(1000)
      const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length
      expect(mean).toBeGreaterThan(27_000)
      expect(mean).toBeLessThan(33_000)
      expect(Math.max(...delays)).toBeGreaterThan(59_000)
    }),
  )

  it.effect("waits as long as it is asked to", () =>
    Effect.gen(function* () {
      const delays = yield* delaysOf(
        backoffAtLeast(() => Duration.minutes(15)),
        1,
        20,
      )
      expect(new Set(delays)).toEqual(new Set([900_000]))
    }),
  )
})

describe("a thousand edges after an outage", () => {
  it.effect("do not come back all at once", () =>
    Effect.gen(function* () {
      const clients = 1000
      const outageMs = 600_000
      const firstTries = yield* Effect.forEach(Array.from({ length: clients }), (_, seed) =>
        Effect.map(delaysOf(backoff, seed, 60), (delays) => {
          let atMs = 0
          for (const delay of delays) {
            atMs += delay
            if (atMs >= outageMs) break
          }
          return atMs - outageMs
        }),
      )
      expect(Math.min(...firstTries)).toBeGreaterThanOrEqual(0)
      const inSecond = new Map<number, number>()
      for (const ms of firstTries) {
        const second = Math.floor(ms / 1000)
        inSecond.set(second, (inSecond.get(second) ?? 0) + 1)
      }
      const mean = clients / 60
      expect(Math.max(...inSecond.values())).toBeLessThanOrEqual(3 * mean)
      expect(Math.max(...firstTries)).toBeLessThan(60_000)
    }),
  )
})
