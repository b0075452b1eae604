import { describe, expect, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, TestClock } from "effect"
import { atEvery } from "../../src/edge/index.ts"
import { steppingClock } from "./support/edge.ts"

const startsOf = (durations: ReadonlyArray<number>, runForMs: number) =>
  Effect.gen(function* () {
    const starts: Array<number> = []
    const step = Effect.gen(function* () {
      starts.push(yield* Clock.currentTimeMillis)
      yield* Effect.sleep(durations[starts.length - 1] ?? 0)
    })
    const fiber = yield* Effect.fork(atEvery(Duration.millis(1000))(step))
    yield* TestClock.adjust(runForMs)
    yield* Fiber.interrupt(fiber)
    return starts
  })

describe("a cadence", () => {
  it.effect("starts at once and keeps to the whole multiples of its interval, however long a step takes", () =>
    Effect.gen(function* () {
      const starts = yield* startsOf([30, 999, 1, 500], 5000)
      expect(starts).toEqual([0, 1000, 2000, 3000, 4000, 5000])
    }),
  )

  it.effect("leaves out ticks that pass during a step, and does not catch up", () =>
    Effect.gen(function* () {
      const starts = yield* startsOf([0, 3500, 0, 1000], 8000)
      expect(starts).toEqual([0, 1000, 5000, 6000, 8000])
    }),
  )

  it.effect("does not drift", () =>
    Effect.gen(function* () {
      let last = 0
      let count = 0
      const step = Effect.map(Clock.currentTimeMillis, (now) => {
        last = now
        count += 1
      })
      const late = Effect.zipRight(step, Effect.sleep(7))
      const fiber = yield* Effect.fork(atEvery(Duration.seconds(1))(late))
      yield* TestClock.adjust("5 minutes")
      yield* Fiber.interrupt(fiber)
      expect([last, count]).toEqual([300_000, 301])
    }),
  )

  it.effect("is not hurried or halted by a step of the wall clock", () =>
    Effect.gen(function* () {
      const { wall, clock } = yield* steppingClock
      let count = 0
      const step = Effect.sync(() => {
        count += 1
        wall.offsetMs = count === 3 ? -3_600_000 : count === 5 ? 86_400_000 : wall.offsetMs
      })
      const fiber = yield* Effect.fork(Effect.withClock(atEvery(Duration.seconds(1))(step), clock))
      yield* TestClock.adjust("9 seconds")
      yield* Fiber.interrupt(fiber)
      expect(count).toBe(10)
    }),
  )
})
