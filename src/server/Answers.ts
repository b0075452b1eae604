import { Cache, Context, Deferred, Duration, Effect, type Exit, FiberId, Layer, Metric, Option } from "effect"
import type { DeviceId } from "../domain/index.ts"
import { type Answer, AnswerCache, Store, type StoreUnavailable } from "../domain/ports/index.ts"
import { cacheReads } from "./Metrics.ts"
import { storeWithin } from "./Problems.ts"

/** For how long another process may have raised a device's revision without this one knowing. */
const revisionKeptFor = Duration.seconds(1)
const patience = "1500 millis"
const capacity = 10_000

/** Answers that were computed for a device's revision, and the ones being computed. */
export class Answers extends Context.Tag("server/Answers")<
  Answers,
  {
    readonly revision: (deviceId: DeviceId) => Effect.Effect<number, StoreUnavailable>
    /** Tells of a revision that was raised in this process. */
    readonly raised: (deviceId: DeviceId, revision: number) => Effect.Effect<void>
    /** The answer of a key: from the cache, or from the one computation of it that is under way. */
    readonly answer: <E, R>(key: string, compute: Effect.Effect<Answer, E, R>) => Effect.Effect<Answer, E, R>
  }
>() {}

const hits = cacheReads("answers", "hit")
const misses = cacheReads("answers", "miss")

const make = Effect.gen(function* () {
  const store = yield* Store
  const cache = yield* AnswerCache
  const scope = yield* Effect.scope
  const revisions = yield* Cache.make({ capacity, timeToLive: revisionKeptFor, lookup: store.revision })
  const underWay = new Map<string, Deferred.Deferred<Exit.Exit<Answer, unknown>>>()

  const computeOnce = <E, R>(key: string, compute: Effect.Effect<Answer, E, R>) =>
    Effect.gen(function* () {
      const there = underWay.get(key)
      if (there !== undefined) return there
      const deferred = Deferred.unsafeMake<Exit.Exit<Answer, unknown>>(FiberId.none)
      underWay.set(key, deferred)
      yield* compute.pipe(
        Effect.tap((answer) => cache.put(key, answer)),
        Effect.onExit((exit) => {
          underWay.delete(key)
          return Deferred.succeed(deferred, exit)
        }),
        Effect.interruptible,
        Effect.forkIn(scope),
      )
      return deferred
    })

  return Answers.of({
    revision: (deviceId) =>
      revisions.get(deviceId).pipe(
        Effect.tapError(() => revisions.invalidate(deviceId)),
        Effect.uninterruptible,
        Effect.disconnect,
        storeWithin(patience),
      ),
    raised: (deviceId, revision) => revisions.set(deviceId, revision),
    answer: <E, R>(key: string, compute: Effect.Effect<Answer, E, R>) =>
      Effect.flatMap(
        cache.get(key),
        Option.match({
          onSome: (found) => Effect.as(Metric.increment(hits), found),
          // Who computes a key computes the same: the failures of one are those of all.
          onNone: () =>
            Metric.increment(misses).pipe(
              Effect.zipRight(computeOnce(key, compute)),
              Effect.flatMap(Deferred.await),
              Effect.flatMap((exit) => exit as Exit.Exit<Answer, E>),
            ),
        }),
      ),
  })
})

export const layer: Layer.Layer<Answers, never, Store | AnswerCache> = Layer.scoped(Answers, make)
