import { Effect, HashMap, Layer, Ref } from "effect"
import { EdgeState } from "../../domain/ports/index.ts"

/** What is remembered as long as its process lasts. */
export const layer: Layer.Layer<EdgeState> = Layer.effect(
  EdgeState,
  Effect.map(Ref.make(HashMap.empty<string, string>()), (values) =>
    EdgeState.of({
      get: (key) => Effect.map(Ref.get(values), HashMap.get(key)),
      set: (key, value) => Ref.update(values, HashMap.set(key, value)),
    }),
  ),
)
