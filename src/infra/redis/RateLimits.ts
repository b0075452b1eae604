import { Clock, Deferred, Effect, FiberId, Layer, Option } from "effect"
import type { Redis } from "ioredis"
import { RateLimiterRedis, type RateLimiterRes } from "rate-limiter-flexible"
import { type RateLimit, RateLimits } from "../../domain/ports/index.ts"
import { MemoryRateLimits } from "../memory/index.ts"
import { RedisConnection } from "./Connection.ts"

/** Points that a process takes from Redis at once, so that a busy key does not ask it for every request. */
const leasedShare = 20

interface Lease {
  left: number
  readonly untilMs: number
}

/** What became of a request for points; away when Redis did not answer. */
type Outcome = "granted" | "away" | { readonly waitS: number }

const secondsOf = (ms: number): number => Math.max(1, Math.ceil(ms / 1000))

/** One limiter a limit and connection; the library prepares its script on it. */
const limitersOf = () => {
  const limiters = new Map<string, RateLimiterRedis>()
  return (redis: Redis, { durationS, name, points }: RateLimit): RateLimiterRedis => {
    const known = limiters.get(name)
    if (known !== undefined) return known
    const made = new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: `p1:limit:${name}`,
      points,
      duration: durationS,
      rejectIfRedisNotReady: true,
    })
    limiters.set(name, made)
    return made
  }
}

const make = Effect.gen(function* () {
  const { use } = yield* RedisConnection
  const here = yield* RateLimits
  const limiterOf = limitersOf()
  const leases = new Map<string, Lease>()
  const asking = new Map<string, Deferred.Deferred<Outcome>>()

  const exceeds = ({ points }: RateLimit, { consumedPoints, msBeforeNext }: RateLimiterRes, more: number) =>
    consumedPoints + more > points ? Option.some(secondsOf(msBeforeNext)) : Option.none()

  const spend = (id: string, nowMs: number): boolean => {
    const held = leases.get(id)
    if (held === undefined) return false
    if (held.left > 0 && nowMs < held.untilMs) return (held.left -= 1) >= 0
    leases.delete(id)
    return false
  }

  const lease = (limit: RateLimit, key: string, id: string, nowMs: number): Effect.Effect<Outcome> =>
    Effect.gen(function* () {
      const size = Math.max(1, Math.floor(limit.points / leasedShare))
      const taken = yield* use((redis) => limiterOf(redis, limit).penalty(key, size))
      if (Option.isNone(taken)) return "away"
      const { consumedPoints, msBeforeNext } = taken.value
      const granted = Math.min(size, limit.points - (consumedPoints - size))
      if (granted <= 0) return { waitS: secondsOf(msBeforeNext) }
      leases.set(id, { left: granted, untilMs: nowMs + msBeforeNext })
      return "granted"
    })

  /** Those who come together ask Redis once: each by himself would take a share that he does not use. */
  const leaseTogether = (limit: RateLimit, key: string, id: string, nowMs: number): Effect.Effect<Outcome> =>
    Effect.suspend(() => {
      const there = asking.get(id)
      if (there !== undefined) return Deferred.await(there)
      const outcome = Deferred.unsafeMake<Outcome>(FiberId.none)
      asking.set(id, outcome)
      return lease(limit, key, id, nowMs).pipe(
        Effect.onExit((exit) => {
          asking.delete(id)
          return Deferred.done(outcome, exit)
        }),
        Effect.uninterruptible,
      )
    })

  const take = (limit: RateLimit, key: string): Effect.Effect<Option.Option<number>> =>
    Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
      const id = `${limit.name}:${key}`
      if (spend(id, nowMs)) return Effect.succeedNone
      return Effect.flatMap(leaseTogether(limit, key, id, nowMs), (outcome) => {
        if (outcome === "granted") return take(limit, key)
        return outcome === "away" ? here.take(limit, key) : Effect.succeedSome(outcome.waitS)
      })
    })

  return RateLimits.of({
    take,
    waitOf: (limit, key) =>
      Effect.flatMap(
        use((redis) => limiterOf(redis, limit).get(key)),
        Option.match({
          onNone: () => here.waitOf(limit, key),
          onSome: (result) => Effect.succeed(result === null ? Option.none() : exceeds(limit, result, 1)),
        }),
      ),
  })
})

/** Counters in Redis, shared by every server process; while it is away, each process counts for itself. */
export const layer: Layer.Layer<RateLimits, never, RedisConnection> = Layer.effect(RateLimits, make).pipe(
  Layer.provide(MemoryRateLimits.layer),
)
