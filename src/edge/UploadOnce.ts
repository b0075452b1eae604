import { DateTime, Effect, type Scope } from "effect"
import type { Instant } from "../domain/index.ts"
import { Spool, type SpooledSample, type SpoolError } from "../domain/ports/index.ts"
import { type DeliveryOptions, makeDelivery, type UploadError } from "./Delivery.ts"
import { makeSend, type ServerOptions } from "./IngestClient.ts"
import { cutBatch } from "./Verdicts.ts"

/** The newest samples that go ahead of a backlog: few, so that they are there at once. */
const liveBatch = 60

export const deliveryOptions: DeliveryOptions = {
  largestBatch: 1_000,
  smallestTimedOut: liveBatch,
  believedRefusals: 20,
  unbelievedReplies: 3,
}

export interface Uploaded {
  /** Samples that left the spool or were put off. */
  readonly settled: number
  /** Whether others were probably due that did not fit. */
  readonly more: boolean
}

type Lend = (limit: number, now: Instant) => Effect.Effect<ReadonlyArray<SpooledSample>, SpoolError, Scope.Scope>

/**
 * The two ways of uploading a batch: the newest samples, and the oldest behind them. They may run at the same time:
 * what one has under way is not lent to the other.
 */
export const makeUploadOnce = Effect.fn("makeUploadOnce")(function* (
  server: ServerOptions,
  options: DeliveryOptions = deliveryOptions,
) {
  const spool = yield* Spool
  const { deliver, limit } = yield* makeDelivery(yield* makeSend(server), options)

  const upload = (lend: Lend, most: number): Effect.Effect<Uploaded, UploadError> =>
    Effect.gen(function* () {
      const asked = Math.min(most, yield* limit)
      const due = yield* lend(asked, yield* DateTime.now)
      if (due.length === 0) return { settled: 0, more: false }
      const { settled } = yield* deliver(cutBatch(due))
      return { settled, more: due.length === asked }
    }).pipe(Effect.scoped)

  return {
    uploadNewest: upload(spool.newest, liveBatch),
    uploadOldest: upload(spool.oldest, options.largestBatch),
  }
})
