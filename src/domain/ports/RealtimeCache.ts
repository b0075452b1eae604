import { Context, type Effect, type Option, type Stream } from "effect"
import type { DeviceId } from "../Device.ts"

/** The latest of a device at one revision, written once for all who read it. */
export interface RealtimeDocument {
  readonly revision: number
  /** When the meter read it, ms since 1970. */
  readonly tsMs: number
  /** A `RealtimeState` as JSON. */
  readonly json: string
}

/**
 * The latest document of each device, cheap to lose. A cache that is slow, full or away answers with nothing; it never
 * fails and never delays by more than 100 ms.
 */
export class RealtimeCache extends Context.Tag("domain/RealtimeCache")<
  RealtimeCache,
  {
    /** The document, when it was filled in no more than 2 s ago. */
    readonly get: (deviceId: DeviceId) => Effect.Effect<Option.Option<RealtimeDocument>>
    /**
     * Gives what `build` gives, and keeps it unless a higher revision is there, or the cache has lost what it knew of
     * the device since `build` began: then the document may be older than one that was read before the loss.
     */
    readonly fill: <E, R>(
      deviceId: DeviceId,
      build: Effect.Effect<Option.Option<RealtimeDocument>, E, R>,
    ) => Effect.Effect<Option.Option<RealtimeDocument>, E, R>
    /** The documents that are filled in from now on, in every process that shares the cache; some may be missed. */
    readonly updates: (deviceId: DeviceId) => Stream.Stream<RealtimeDocument>
    /** Fails with the reason while the cache is away. */
    readonly check: Effect.Effect<void, string>
    /** What it is, for people: `Redis 7.0` or `in memory`. */
    readonly description: string
  }
>() {}
