import { Effect, Layer, Option, Ref, Schema } from "effect"
import { MeterIdentity } from "../../domain/index.ts"
import { EdgeState, type SpoolError } from "../../domain/ports/index.ts"

const stateKey = "meter.identity"
const Kept = Schema.parseJson(MeterIdentity)

const textOf = (identity: MeterIdentity) => Effect.orDie(Schema.encode(Kept)(identity))

/** The meter that was seen at the first contact; none before that. */
export const pinned: Effect.Effect<Option.Option<MeterIdentity>, SpoolError, EdgeState> = Effect.flatMap(
  EdgeState,
  (state) => Effect.map(state.get(stateKey), Option.flatMap(Schema.decodeOption(Kept))),
)

/** Remembers who the meter is, and nothing beyond the process: for those who look without changing anything. */
export const layerOf = (identity: Option.Option<MeterIdentity>): Layer.Layer<EdgeState> =>
  Layer.effect(
    EdgeState,
    Effect.gen(function* () {
      const text = yield* Effect.transposeMapOption(identity, textOf)
      return EdgeState.of({
        get: (key) => Effect.succeed(key === stateKey ? text : Option.none()),
        set: () => Effect.void,
      })
    }),
  )

/**
 * The meter that was seen at the first contact. It is kept across restarts: at once, or with `anew`, where the one
 * seen before does not count, when it is told to.
 */
export const makePin = Effect.fn("makePin")(function* (anew: boolean) {
  const state = yield* EdgeState
  const known = yield* Ref.make(anew ? Option.none<MeterIdentity>() : yield* pinned)
  const save = (identity: MeterIdentity) => Effect.flatMap(textOf(identity), (text) => state.set(stateKey, text))
  return {
    known: Ref.get(known),
    seen: (identity: MeterIdentity) =>
      Effect.zipRight(anew ? Effect.void : save(identity), Ref.set(known, Option.some(identity))),
    keep: Effect.flatMap(Ref.get(known), Option.match({ onNone: () => Effect.void, onSome: save })),
  }
})
export type Pin = Effect.Effect.Success<ReturnType<typeof makePin>>
