import { Effect, type Scope } from "effect"
import { type Instant, steadyNow } from "../domain/index.ts"
import { Spool, type SpooledSample, type SpoolError } from "../domain/ports/index.ts"
import { type DeliveryOptions, makeDelivery, makeLearned, type UploadError } from "./Delivery.ts"
import { makeSend, type ServerOptions } from "./IngestClient.ts"
import { cutBatch } from "./Verdicts.ts"

/** The newest samples that go ahead of a backlog: few, so that they are there at once. */
const liveBatch = 60

export const deliveryOptions: DeliveryOptions = {
  largestBatch: 2_000,
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

/**
 * The two ways of uploading a batch: the newest samples, and the oldest behind them. They may run at the same time:
 * what one has under way is not lent to the other.
 */
export const makeUploadOnce = Effect.fn("makeUploadOnce")(function* (
  server: ServerOptions,
  options: DeliveryOptions = deliveryOptions,
) {
  const spool = yield* Spool
  const send = yield* makeSend(server)
  const learned = yield* makeLearned(options)
  const deliver = yield* makeDelivery(send, learned)

  const upload = (
    most: number,
    lend: (limit: number, now: Instant) => Effect.Effect<ReadonlyArray<SpooledSample>, SpoolError, Scope.Scope>,
  ): Effect.Effect<Uploaded, UploadError> =>
    Effect.gen(function* () {
      const asked = Math.min(most, yield* learned.limit.current)
      const due = yield* lend(asked, yield* steadyNow)
      if (due.length === 0) return { settled: 0, more: false }
      const { settled } = yield* deliver(cutBatch(due))
      return { settled, more: due.length === asked || settled < due.length }
    }).pipe(Effect.scoped)

  return { uploadNewest: upload(liveBatch, spool.newest), uploadOldest: upload(options.largestBatch, spool.oldest) }
})
