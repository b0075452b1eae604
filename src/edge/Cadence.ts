import { Clock, Duration, Effect } from "effect"

/**
 * Runs an effect at once and then at whole multiples of the interval after that, on the monotonic clock: steps of the
 * wall clock do not matter, lateness does not add up, and ticks that passed while the effect ran are skipped.
 */
export const atEvery =
  (interval: Duration.Duration) =>
  <E, R>(effect: Effect.Effect<void, E, R>): Effect.Effect<never, E, R> =>
    Effect.gen(function* () {
      const periodNs = Duration.unsafeToNanos(interval)
      const startNs = yield* Clock.currentTimeNanos
      let tick = 0n
      while (true) {
        yield* effect
        const elapsedNs = (yield* Clock.currentTimeNanos) - startNs
        const next = elapsedNs / periodNs + 1n
        tick = next > tick ? next : tick + 1n
        yield* Effect.sleep(Duration.nanos(tick * periodNs - elapsedNs))
      }
    })
