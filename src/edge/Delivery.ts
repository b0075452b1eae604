import { Effect, Either, Option, Ref } from "effect"
import { type Batch, earliestMs, type IngestReply, type MeteredPeak, steadyNow } from "../domain/index.ts"
import { type EdgeState, Spool, type SpooledSample, type SpoolError, type Verdict } from "../domain/ports/index.ts"
import { type BatchLimit, makeBatchLimit } from "./BatchLimit.ts"
import { EdgeStatus } from "./EdgeStatus.ts"
import { MeteredPeaks } from "./MeteredPeaks.ts"
import { type UploadFailed, uploadFailed } from "./UploadFailed.ts"
import { meterOf, verdictsOf } from "./Verdicts.ts"

export type UploadError = UploadFailed | SpoolError

export interface DeliveryOptions {
  /** Samples in one request, until the server finds fewer to be too many. */
  readonly largestBatch: number
  /** More samples in a request that timed out may have been more than the line carries: fewer are tried. */
  readonly smallestTimedOut: number
  /** Single samples refused one after another, with none accepted between, before it must be the server. */
  readonly believedRefusals: number
  /** Replies that account for nothing, one after another, before somebody else must be answering. */
  readonly unbelievedReplies: number
}

/** What is learned of the server from all that is sent to it. */
export interface Learned {
  readonly options: DeliveryOptions
  readonly limit: BatchLimit
  readonly refusals: Ref.Ref<number>
  readonly unbelieved: Ref.Ref<number>
}

export const makeLearned = (options: DeliveryOptions): Effect.Effect<Learned, never, EdgeState> =>
  Effect.all({
    options: Effect.succeed(options),
    limit: makeBatchLimit(options.largestBatch),
    refusals: Ref.make(0),
    unbelieved: Ref.make(0),
  })

type Rows = ReadonlyArray<SpooledSample>
type Peaks = ReadonlyArray<MeteredPeak> | null

/** What became of samples: how many left the spool or were put off, and the quarantined among them. */
interface Delivered {
  readonly settled: number
  readonly quarantined: number
}

const count = (verdicts: ReadonlyArray<Verdict>, tag: Verdict["_tag"]): number =>
  verdicts.filter(({ _tag }) => _tag === tag).length

/**
 * Delivers samples to the server: each leaves the spool by what the reply says of it, and whatever fails, it stays. A
 * batch that is refused as a whole is halved until the one sample is found that the server does not want: that one is
 * quarantined, after 2·log2(n) + 2 requests at most. A server that refuses one after the other is not believed.
 */
export const makeDelivery = Effect.fn("makeDelivery")(function* (
  send: (batch: Batch) => Effect.Effect<IngestReply, UploadFailed>,
  learned: Learned,
) {
  const { limit, options, refusals, unbelieved } = learned
  const spool = yield* Spool
  const status = yield* EdgeStatus
  const peaks = yield* MeteredPeaks

  const settle = (verdicts: ReadonlyArray<Verdict>): Effect.Effect<Delivered, SpoolError> =>
    Effect.gen(function* () {
      yield* spool.settle(verdicts)
      const stored = count(verdicts, "Stored")
      const quarantined = count(verdicts, "Quarantined")
      yield* Ref.update(status, (state) => ({
        ...state,
        uploaded: state.uploaded + stored,
        quarantined: state.quarantined + quarantined,
        waiting: state.waiting - stored - quarantined,
      }))
      if (quarantined > 0) {
        const reasons = verdicts.flatMap((verdict) => (verdict._tag === "Quarantined" ? [verdict.message] : []))
        yield* Effect.logWarning("Samples quarantined").pipe(
          Effect.annotateLogs({ samples: quarantined, first: reasons[0] }),
        )
      }
      return { settled: verdicts.length, quarantined }
    }).pipe(Effect.uninterruptible)

  const disbelieve = (message: string): Effect.Effect<never, UploadFailed> =>
    Effect.flatMap(
      Ref.updateAndGet(unbelieved, (times) => times + 1),
      (times) =>
        times < options.unbelievedReplies
          ? uploadFailed("Unbelieved", message)
          : uploadFailed("Held", `${message}, again and again: check what answers at VPS_INGEST_URL`),
    )

  const clockIsSet = Effect.map(
    Ref.get(status),
    ({ lastSampleTs }) => !Option.exists(lastSampleTs, ({ epochMillis }) => epochMillis < earliestMs),
  )

  const accepted = (
    rows: Rows,
    meteredPeaks: Peaks,
    reply: IngestReply,
    clockWasSet: boolean,
  ): Effect.Effect<Delivered, UploadError> =>
    Effect.gen(function* () {
      const verdicts = verdictsOf(rows, reply, { now: yield* steadyNow, clockWasSet })
      if (Either.isLeft(verdicts)) return yield* disbelieve(`The server's reply does not add up (${verdicts.left})`)
      yield* Ref.set(unbelieved, 0)
      yield* Ref.set(refusals, 0)
      yield* limit.taken(rows.length)
      const delivered = yield* settle(verdicts.right)
      if (reply.rejected.length < rows.length) yield* peaks.markSent(meteredPeaks)
      return delivered
    })

  const refusedAlone = ({ id }: SpooledSample, { message }: UploadFailed): Effect.Effect<Delivered, UploadError> =>
    Effect.gen(function* () {
      if ((yield* Ref.updateAndGet(refusals, (times) => times + 1)) > options.believedRefusals) {
        return yield* uploadFailed("Held", `${message}, one like the other: see what is wrong with the server`)
      }
      return yield* settle([{ _tag: "Quarantined", id, code: "invalid", message }])
    })

  const inHalves = (rows: Rows, failure: UploadFailed, clockWasSet: boolean): Effect.Effect<Delivered, UploadError> =>
    Effect.gen(function* () {
      const [first, ...others] = rows
      if (first !== undefined && others.length === 0) return yield* refusedAlone(first, failure)
      const middle = Math.ceil(rows.length / 2)
      const left = yield* deliver(rows.slice(0, middle), null, clockWasSet)
      const right = yield* deliver(rows.slice(middle), null, clockWasSet)
      return { settled: left.settled + right.settled, quarantined: left.quarantined + right.quarantined }
    })

  /** Peaks that the server refuses, though it takes every sample, are left aside: nothing would get past them. */
  const withoutPeaks = (rows: Rows, meteredPeaks: Peaks, clockWasSet: boolean): Effect.Effect<Delivered, UploadError> =>
    Effect.gen(function* () {
      const delivered = yield* deliver(rows, null, clockWasSet)
      if (delivered.quarantined > 0) return delivered
      yield* Effect.logWarning("The server refuses the meter's own peaks, they are left aside")
      yield* peaks.markSent(meteredPeaks)
      return delivered
    })

  const deliver = (rows: Rows, meteredPeaks: Peaks, clockWasSet: boolean): Effect.Effect<Delivered, UploadError> =>
    Effect.gen(function* () {
      const samples = rows.map(({ sample }) => sample)
      const outcome = yield* Effect.either(send({ samples, deviceId: null, meter: meterOf(rows), meteredPeaks }))
      if (Either.isRight(outcome)) return yield* accepted(rows, meteredPeaks, outcome.right, clockWasSet)
      const failure = outcome.left
      switch (failure.kind) {
        case "TooLarge":
          yield* limit.refused(rows.length)
          return yield* inHalves(rows, failure, clockWasSet)
        case "Refused":
          return yield* meteredPeaks === null
            ? inHalves(rows, failure, clockWasSet)
            : withoutPeaks(rows, meteredPeaks, clockWasSet)
        case "Unbelieved":
          return yield* disbelieve(failure.message)
        case "TimedOut":
          if (rows.length > options.smallestTimedOut) yield* limit.refused(rows.length)
          return yield* failure
        case "Transient":
        case "Held":
          return yield* failure
      }
    })

  return (rows: Rows): Effect.Effect<Delivered, UploadError> =>
    Effect.gen(function* () {
      // The clock may be set, and the spool's samples moved, while parts of these are under way.
      const clockWasSet = yield* clockIsSet
      return yield* deliver(rows, yield* peaks.unsent, clockWasSet)
    })
})
