import { Clock, Effect, Layer, Option } from "effect"
import type { Redis } from "ioredis"
import { RateLimiterRedis, type RateLimiterRes } from "rate-limiter-flexible"
import { type RateLimit, RateLimits } from "../../domain/ports/index.ts"
import { MemoryRateLimits } from "../memory/index.ts"
import { RedisConnection } from "./Connection.ts"

/** Points that a process takes from Redis at once, so that a busy key does not ask it for every request. */
const leasedShare = 20

interface Lease {
  readonly left: number
  readonly untilMs: number
}

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

  const exceeds = ({ points }: RateLimit, { consumedPoints, msBeforeNext }: RateLimiterRes, more: number) =>
    consumedPoints + more > points ? Option.some(secondsOf(msBeforeNext)) : Option.none()

  const lease = (limit: RateLimit, key: string, nowMs: number) =>
    Effect.gen(function* () {
      const size = Math.max(1, Math.floor(limit.points / leasedShare))
      const taken = yield* use((redis) => limiterOf(redis, limit).penalty(key, size))
      if (Option.isNone(taken)) return yield* here.take(limit, key)
      const { consumedPoints, msBeforeNext } = taken.value
      const granted = Math.min(size, limit.points - (consumedPoints - size))
      if (granted <= 0) return Option.some(secondsOf(msBeforeNext))
      if (granted > 1) leases.set(`${limit.name}:${key}`, { left: granted - 1, untilMs: nowMs + msBeforeNext })
      return Option.none<number>()
    })

  return RateLimits.of({
    take: (limit, key) =>
      Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
        const id = `${limit.name}:${key}`
        const held = leases.get(id)
        if (held !== undefined && held.left > 0 && nowMs < held.untilMs) {
          leases.set(id, { ...held, left: held.left - 1 })
          return Effect.succeedNone
        }
        leases.delete(id)
        return lease(limit, key, nowMs)
      }),
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
