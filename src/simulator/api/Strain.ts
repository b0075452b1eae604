import { Clock, Effect, Ref } from "effect"

/** The vendor advises 500 ms between two requests; a device bears more for a while. */
const bearablePerS = 2
const patience = 40
/** Beyond its patience each further request takes longer, until the device resets connections. */
const delayMs = 100
const breakingPoint = 40

/** What a request costs the device. */
export type Burden = { readonly _tag: "Borne"; readonly delayMs: number } | { readonly _tag: "TooMuch" }

/** Counts requests against what a device bears, `speed` times as much on a device that lives faster. */
export const makeStrain = (speed: number): Effect.Effect<Effect.Effect<Burden>> =>
  Effect.map(Ref.make({ requests: 0, atMs: 0 }), (level) =>
    Effect.gen(function* () {
      const nowMs = yield* Clock.currentTimeMillis
      const { requests } = yield* Ref.updateAndGet(level, ({ atMs, requests }) => {
        const recovered = ((nowMs - atMs) / 1000) * bearablePerS * Math.max(1, speed)
        return { requests: Math.max(0, requests - recovered) + 1, atMs: nowMs }
      })
      const over = Math.max(0, requests - patience)
      return over > breakingPoint ? { _tag: "TooMuch" } : { _tag: "Borne", delayMs: Math.floor(over) * delayMs }
    }),
  )
