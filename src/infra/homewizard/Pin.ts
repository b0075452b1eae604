import { Effect, Option, Ref, Schema } from "effect"
import { EdgeState } from "../../domain/ports/index.ts"
import type { Identity } from "./Identity.ts"

const stateKey = "meter.identity"
const Kept = Schema.parseJson(Schema.Struct({ serial: Schema.String, key: Schema.String }))

/**
 * The meter that was seen at the first contact. It is kept across restarts: at once, or with `anew`, where the one
 * seen before does not count, when it is told to.
 */
export const makePin = Effect.fn("makePin")(function* (anew: boolean) {
  const state = yield* EdgeState
  const kept = anew ? Option.none<string>() : yield* state.get(stateKey)
  const known = yield* Ref.make(Option.flatMap(kept, Schema.decodeOption(Kept)))
  const save = (identity: Identity) =>
    Effect.flatMap(Effect.orDie(Schema.encode(Kept)(identity)), (text) => state.set(stateKey, text))
  return {
    known: Ref.get(known),
    seen: (identity: Identity) =>
      Effect.zipRight(anew ? Effect.void : save(identity), Ref.set(known, Option.some(identity))),
    keep: Effect.flatMap(Ref.get(known), Option.match({ onNone: () => Effect.void, onSome: save })),
  }
})
export type Pin = Effect.Effect.Success<ReturnType<typeof makePin>>
