import { Clock, Effect, Layer, Option, PubSub, Stream } from "effect"
import type { DeviceId } from "../../domain/index.ts"
import { RealtimeCache, type RealtimeDocument } from "../../domain/ports/index.ts"

const keptMs = 2_000
/** Updates kept for a reader that is slower than they come; it misses the oldest. */
const bufferSize = 64

interface Entry {
  readonly document: RealtimeDocument
  readonly untilMs: number
}

const make = Effect.gen(function* () {
  const entries = new Map<DeviceId, Entry>()
  const published = yield* PubSub.sliding<readonly [deviceId: DeviceId, document: RealtimeDocument]>(bufferSize)

  const put = (deviceId: DeviceId, document: RealtimeDocument) =>
    Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
      const there = entries.get(deviceId)?.document.revision ?? -Infinity
      if (there > document.revision) return Effect.void
      entries.set(deviceId, { document, untilMs: nowMs + keptMs })
      return there < document.revision ? PubSub.publish(published, [deviceId, document] as const) : Effect.void
    })

  return RealtimeCache.of({
    get: (deviceId) =>
      Effect.map(Clock.currentTimeMillis, (nowMs) =>
        Option.fromNullable(entries.get(deviceId)).pipe(
          Option.filter(({ untilMs }) => nowMs <= untilMs),
          Option.map(({ document }) => document),
        ),
      ),
    fill: (deviceId, build) =>
      Effect.tap(build, (built) =>
        Effect.transposeMapOption(built, (document: RealtimeDocument) => put(deviceId, document)),
      ),
    updates: (deviceId) =>
      Stream.filterMap(Stream.fromPubSub(published), ([of, document]) =>
        of === deviceId ? Option.some(document) : Option.none(),
      ),
    check: Effect.void,
    description: "in memory",
  })
})

/** The latest documents in this process: for one server process only. */
export const layer: Layer.Layer<RealtimeCache> = Layer.effect(RealtimeCache, make)
