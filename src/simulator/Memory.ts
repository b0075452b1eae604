import { Effect, Option, Ref } from "effect"
import { MeterControls } from "./Controls.ts"
import type { Face } from "./Face.ts"
import type { MeterState } from "./Registers.ts"
import { type Switches } from "./Switches.ts"

/** What the dongle knows of the smart meter, and how it is shown. */
export interface Shown {
  readonly state: MeterState
  readonly face: Face
}

interface Moments {
  /** What was read last before the cable was pulled. */
  readonly lostAt: MeterState | null
  /** What the old meter remembered when another one took its place. */
  readonly replacedAt: MeterState | null
}

const switchedTo = <K extends keyof Switches>(name: K, value: Switches[K], now: Switches, before: Switches): boolean =>
  now[name] === value && before[name] !== value

/**
 * What the dongle has to say at a state of the household: that state, the one before the smart meter was lost, or
 * nothing where it was never seen. `current` is the household's state now.
 */
export const makeMemory = Effect.fn("makeMemory")(function* (current: Effect.Effect<MeterState>) {
  const controls = yield* MeterControls
  const moments = yield* Ref.make<Moments>({ lostAt: null, replacedAt: null })
  yield* controls.react((now, before) =>
    Effect.gen(function* () {
      const state = yield* current
      yield* Ref.update(moments, ({ lostAt, replacedAt }) => ({
        lostAt: now.smartMeter !== "lost" ? null : switchedTo("smartMeter", "lost", now, before) ? state : lostAt,
        replacedAt: now.meter === "own" ? null : switchedTo("meter", "replaced", now, before) ? state : replacedAt,
      }))
    }),
  )
  return {
    at: (state: MeterState): Effect.Effect<Option.Option<Shown>> =>
      Effect.zipWith(controls.switches, Ref.get(moments), (switches, { lostAt, replacedAt }) =>
        switches.smartMeter === "never-seen"
          ? Option.none()
          : Option.some({ state: lostAt ?? state, face: { ...switches, replacedAt } }),
      ),
  }
})
