import { Effect, Option, Ref, Schema } from "effect"
import { EdgeState } from "../domain/ports/index.ts"

/** How many samples one request may carry, as far as the server has let on. */
export interface BatchLimit {
  readonly current: Effect.Effect<number>
  /** So many were too many. */
  readonly refused: (samples: number) => Effect.Effect<void>
  /** So many were taken. */
  readonly taken: (samples: number) => Effect.Effect<void>
}

/** Batches at the limit that are taken before twice as many are tried: a proxy's limit may have been raised. */
const batchesBeforeMore = 50

const stateKey = "server.batch-limit"
const Kept = Schema.NumberFromString.pipe(Schema.int(), Schema.positive())

/**
 * Begins with the largest batch, halves what was too large, and now and then tries more again. What was learned
 * outlives a restart; where that cannot be read or written, it is learned again.
 */
export const makeBatchLimit = Effect.fn("makeBatchLimit")(function* (largest: number) {
  const edgeState = yield* EdgeState
  const kept = yield* Effect.orElseSucceed(edgeState.get(stateKey), Option.none)
  const known = Option.getOrElse(Option.flatMap(kept, Schema.decodeOption(Kept)), () => largest)
  const state = yield* Ref.make({ limit: Math.min(largest, known), full: 0 })

  const become = (limit: number): Effect.Effect<void> =>
    Effect.zipRight(Ref.set(state, { limit, full: 0 }), Effect.ignore(edgeState.set(stateKey, String(limit))))

  return {
    current: Effect.map(Ref.get(state), ({ limit }) => limit),
    refused: (samples) => become(Math.max(1, Math.ceil(samples / 2))),
    taken: (samples) =>
      Effect.flatMap(Ref.get(state), ({ full, limit }) => {
        if (samples < limit || limit === largest) return Effect.void
        return full + 1 < batchesBeforeMore
          ? Ref.set(state, { limit, full: full + 1 })
          : become(Math.min(largest, 2 * limit))
      }),
  } satisfies BatchLimit
})
