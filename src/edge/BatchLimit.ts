import { Effect, Ref } from "effect"

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

/** Begins with the largest batch, halves what was too large, and now and then tries more again. */
export const makeBatchLimit = (largest: number): Effect.Effect<BatchLimit> =>
  Effect.map(Ref.make({ limit: largest, full: 0 }), (state) => ({
    current: Effect.map(Ref.get(state), ({ limit }) => limit),
    refused: (samples) => Ref.set(state, { limit: Math.max(1, Math.ceil(samples / 2)), full: 0 }),
    taken: (samples) =>
      Ref.update(state, ({ full, limit }) => {
        if (samples < limit || limit === largest) return { limit, full }
        return full + 1 < batchesBeforeMore
          ? { limit, full: full + 1 }
          : { limit: Math.min(largest, 2 * limit), full: 0 }
      }),
  }))
