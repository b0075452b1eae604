import { Clock, Effect, Layer, Option } from "effect"
import type { DeviceId, RealtimeState } from "../../domain/index.ts"
import { RealtimeCache } from "../../domain/ports/index.ts"

const keptMs = 2_000

interface Entry {
  readonly revision: number
  readonly state: RealtimeState
  readonly untilMs: number
}

/** The latest states in this process: for one server process only. */
export const layer: Layer.Layer<RealtimeCache> = Layer.sync(RealtimeCache, () => {
  const entries = new Map<DeviceId, Entry>()
  return RealtimeCache.of({
    put: (deviceId, revision, state) =>
      Effect.map(Clock.currentTimeMillis, (nowMs) => {
        if ((entries.get(deviceId)?.revision ?? -Infinity) > revision) return
        entries.set(deviceId, { revision, state, untilMs: nowMs + keptMs })
      }),
    get: (deviceId) =>
      Effect.map(Clock.currentTimeMillis, (nowMs) =>
        Option.fromNullable(entries.get(deviceId)).pipe(
          Option.filter(({ untilMs }) => nowMs <= untilMs),
          Option.map(({ state }) => state),
        ),
      ),
    description: "in memory",
  })
})
