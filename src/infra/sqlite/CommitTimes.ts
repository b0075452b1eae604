import { Duration, Effect, Option, Ref } from "effect"

/** At one commit a second, ten minutes. */
const remembered = 600

/** How long commits take, the sync of the disk included. */
export const makeCommitTimes = Effect.map(Ref.make<ReadonlyArray<number>>([]), (times) => ({
  timed: <A, E, R>(commit: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.timed(commit).pipe(
      Effect.tap(([took]) => Ref.update(times, (all) => [...all.slice(1 - remembered), Duration.toMillis(took)])),
      Effect.map(([, value]) => value),
    ),
  /** Of the last ones, 99 of 100 took no longer, ms; none before the first. */
  p99Ms: Effect.map(Ref.get(times), (all) => {
    const sorted = all.toSorted((a, b) => a - b)
    return Option.fromNullable(sorted[Math.ceil(sorted.length * 0.99) - 1])
  }),
}))
