import { Context, Effect, Layer, Metric, Option } from "effect"
import type { DeviceId } from "../domain/index.ts"
import { RealtimeCache, type RealtimeDocument, type Store, type StoreUnavailable } from "../domain/ports/index.ts"
import { coalesced } from "./Coalesced.ts"
import { Lookups } from "./Lookups.ts"
import { cacheReads } from "./Metrics.ts"
import { storeWithin } from "./Problems.ts"
import { makeDocumentBuilder } from "./RealtimeState.ts"

const staleAfterS = 60
/** How long a reply to an ingest waits for the realtime document. */
const refreshFor = "500 millis"
const patience = "1500 millis"

/** The latest of each device: from the cache, or built from the store. */
export class RealtimeDocuments extends Context.Tag("server/RealtimeDocuments")<
  RealtimeDocuments,
  {
    readonly current: (deviceId: DeviceId) => Effect.Effect<Option.Option<RealtimeDocument>, StoreUnavailable>
    /** The latest where the cache has it, by one question to the cache. */
    readonly cached: (deviceId: DeviceId) => Effect.Effect<Option.Option<RealtimeDocument>>
    /** The latest as the store has it now. */
    readonly fresh: (deviceId: DeviceId) => Effect.Effect<Option.Option<RealtimeDocument>, StoreUnavailable>
    /** Builds the document anew and caches it; never fails and never takes long. */
    readonly refresh: (deviceId: DeviceId) => Effect.Effect<void>
  }
>() {}

export const realtimeHits = cacheReads("realtime", "hit")
const misses = cacheReads("realtime", "miss")

const make = Effect.gen(function* () {
  const cache = yield* RealtimeCache
  const lookups = yield* Lookups
  /** The highest revision given away: the cache may hold a lower one when it could not be written. */
  const given = new Map<DeviceId, number>()
  const give = (deviceId: DeviceId, document: Option.Option<RealtimeDocument>): Option.Option<RealtimeDocument> => {
    if (Option.isSome(document)) given.set(deviceId, document.value.revision)
    return document
  }

  const buildDocument = makeDocumentBuilder()
  const build = yield* coalesced((deviceId: DeviceId) =>
    Effect.gen(function* () {
      const device = yield* lookups.device(deviceId)
      if (Option.isNone(device)) return Option.none<RealtimeDocument>()
      return give(deviceId, yield* cache.fill(deviceId, buildDocument(device.value)))
    }),
  )
  const fresh = (deviceId: DeviceId) => storeWithin(patience)(build(deviceId))

  const cached = (deviceId: DeviceId) =>
    Effect.map(cache.get(deviceId), (document) =>
      Option.exists(document, ({ revision }) => revision >= (given.get(deviceId) ?? 0))
        ? give(deviceId, document)
        : Option.none(),
    )

  return RealtimeDocuments.of({
    cached,
    current: (deviceId) =>
      Effect.flatMap(cached(deviceId), (document) =>
        Option.isSome(document)
          ? Effect.as(Metric.increment(realtimeHits), document)
          : Effect.zipRight(Metric.increment(misses), fresh(deviceId)),
      ),
    fresh,
    refresh: (deviceId) =>
      build(deviceId).pipe(
        Effect.interruptible,
        Effect.timeout(refreshFor),
        Effect.catchAll((error) =>
          Effect.logWarning("The realtime document was not renewed").pipe(
            Effect.annotateLogs({ reason: error.message }),
          ),
        ),
      ),
  })
})

export const layerDocuments: Layer.Layer<RealtimeDocuments, never, Store | RealtimeCache | Lookups> = Layer.scoped(
  RealtimeDocuments,
  make,
)

/** The reply at an instant: the document with what depends on when it is read. */
export const replyAt = ({ json, tsMs }: RealtimeDocument, nowMs: number): string => {
  const ageS = Math.max(0, nowMs - tsMs) / 1000
  return `${json.slice(0, -1)},"age_s":${ageS},"stale":${ageS > staleAfterS}}`
}
