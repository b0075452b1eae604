import { assert, describe, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import { makeStrain } from "../../src/simulator/api/Strain.ts"

const borne = (delayMs: number) => ({ _tag: "Borne", delayMs }) as const

describe("what a device bears", () => {
  it.effect("is two requests a second for ever, and more for a while", () =>
    Effect.gen(function* () {
      const request = yield* makeStrain(1)
      for (let i = 0; i < 1_000; i++) {
        yield* TestClock.adjust("500 millis")
        assert.deepStrictEqual(yield* request, borne(0))
      }
      const burst = yield* Effect.replicateEffect(request, 79)
      assert.deepStrictEqual(burst.slice(0, 39), Array<unknown>(39).fill(borne(0)))
      assert.deepStrictEqual(
        burst.slice(39),
        Array.from({ length: 40 }, (_, i) => borne((i + 1) * 100)),
      )
      assert.deepStrictEqual(yield* request, { _tag: "TooMuch" })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* request, borne(0))
    }),
  )
})
