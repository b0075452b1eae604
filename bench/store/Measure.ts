import { Clock, Effect, Ref } from "effect"
import { medianOf } from "../support/Median.ts"

const forMs = 2_000

/** Units a second that workers, each over and over, do; `work` gives how many units it did. */
export const rate = <E, R>(workers: number, work: (worker: number, round: number) => Effect.Effect<number, E, R>) =>
  Effect.gen(function* () {
    const done = yield* Ref.make(0)
    const beganMs = yield* Clock.currentTimeMillis
    const run = (worker: number) =>
      Effect.gen(function* () {
        for (let round = 0; (yield* Clock.currentTimeMillis) - beganMs < forMs; round++) {
          const units = yield* work(worker, round)
          yield* Ref.update(done, (sum) => sum + units)
        }
      })
    yield* Effect.forEach(
      Array.from({ length: workers }, (_, i) => i),
      run,
      { concurrency: "unbounded" },
    )
    return ((yield* Ref.get(done)) * 1000) / ((yield* Clock.currentTimeMillis) - beganMs)
  })

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const began = performance.now()
    yield* effect
    return performance.now() - began
  })

/** The median duration in ms of several runs, after as many that warm the program and its connections. */
export const median = <A, E, R>(times: number, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    yield* Effect.replicateEffect(effect, times, { discard: true })
    return medianOf(yield* Effect.replicateEffect(timed(effect), times))
  })

/** The duration in ms of one run. */
export const once = timed
