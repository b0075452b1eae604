import { Effect, Layer, Option } from "effect"
import { RateLimiterMemory, type RateLimiterRes } from "rate-limiter-flexible"
import { type RateLimit, RateLimits } from "../../domain/ports/index.ts"

/** The seconds to wait after the last point was taken, or none while there are some left. */
const waitAfter = ({ points }: RateLimit, result: RateLimiterRes | null, more: number): Option.Option<number> =>
  result !== null && result.consumedPoints + more > points
    ? Option.some(Math.max(1, Math.ceil(result.msBeforeNext / 1000)))
    : Option.none()

/** Counters of this process. */
export const layer: Layer.Layer<RateLimits> = Layer.sync(RateLimits, () => {
  const limiters = new Map<string, RateLimiterMemory>()
  const limiterOf = ({ durationS, name, points }: RateLimit): RateLimiterMemory => {
    const known = limiters.get(name)
    if (known !== undefined) return known
    const made = new RateLimiterMemory({ keyPrefix: name, points, duration: durationS })
    limiters.set(name, made)
    return made
  }
  return RateLimits.of({
    take: (limit, key) =>
      Effect.map(
        Effect.promise(() => limiterOf(limit).penalty(key)),
        (result) => waitAfter(limit, result, 0),
      ),
    waitOf: (limit, key) =>
      Effect.map(
        Effect.promise(() => limiterOf(limit).get(key)),
        (result) => waitAfter(limit, result, 1),
      ),
  })
})
