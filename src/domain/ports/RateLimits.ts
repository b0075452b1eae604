import { Context, type Effect, type Option } from "effect"

/** How often a key may do something: `points` times within `durationS` seconds. */
export interface RateLimit {
  readonly name: string
  readonly points: number
  readonly durationS: number
}

/** Counters of what keys did lately. One that is slow or away is never waited for long, and never fails. */
export class RateLimits extends Context.Tag("domain/RateLimits")<
  RateLimits,
  {
    /** Counts one more; the seconds to wait where that is one too many. */
    readonly take: (limit: RateLimit, key: string) => Effect.Effect<Option.Option<number>>
    /** The seconds to wait where one more would be too many; counts nothing. */
    readonly waitOf: (limit: RateLimit, key: string) => Effect.Effect<Option.Option<number>>
  }
>() {}
