import { Cache, Context, Duration, Effect, Exit, Layer, type Option } from "effect"
import type { Device, DeviceId, TokenRecord } from "../domain/index.ts"
import { Registry, type StoreUnavailable } from "../domain/ports/index.ts"

/** With that of `Remembered` less than the 5 s for which a revoked token may still work. */
const keptFor = Duration.millis(3_500)
const capacity = 10_000

/** What almost every request asks of the registry, remembered for a few seconds. */
export class Lookups extends Context.Tag("server/Lookups")<
  Lookups,
  {
    readonly token: (tokenId: string) => Effect.Effect<Option.Option<TokenRecord>, StoreUnavailable>
    readonly device: (deviceId: DeviceId) => Effect.Effect<Option.Option<Device>, StoreUnavailable>
  }
>() {}

/** Uninterruptible, because a client that goes away must not interrupt others that wait for the same answer. */
const remembered = <Key, Value>(lookup: (key: Key) => Effect.Effect<Value, StoreUnavailable>) =>
  Effect.map(
    Cache.makeWith({
      capacity,
      lookup,
      timeToLive: (exit) => (Exit.isSuccess(exit) ? keptFor : Duration.zero),
    }),
    (cache) => (key: Key) => Effect.uninterruptible(Effect.tapError(cache.get(key), () => cache.invalidate(key))),
  )

export const layer: Layer.Layer<Lookups, never, Registry> = Layer.effect(
  Lookups,
  Effect.gen(function* () {
    const registry = yield* Registry
    return Lookups.of({
      token: yield* remembered(registry.findToken),
      device: yield* remembered(registry.findDevice),
    })
  }),
)
