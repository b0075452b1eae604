import { Clock, type DateTime, Duration, Effect, Either, Layer, Option, Ref, Stream } from "effect"
import type { Measurement, Sample } from "../domain/index.ts"
import { type EdgeState, Meter, MeterError, type Spool, type SpoolError } from "../domain/ports/index.ts"
import { backoff } from "./Backoff.ts"
import { atEvery } from "./Cadence.ts"
import type { EdgeClock } from "./EdgeClock.ts"
import type { EdgeStatus } from "./EdgeStatus.ts"
import { makeFoldedLog } from "./FoldedLog.ts"
import type { NotTaken } from "./NotTaken.ts"
import { makeOddities } from "./Oddities.ts"
import { makeReports } from "./Reports.ts"
import { makeTakeSample } from "./TakeSample.ts"

/** How readings come: the meter pushes them and is asked only while it does not, or it is asked at a steady pace. */
export type Source = "push" | "poll"

export interface PollerOptions {
  readonly zone: DateTime.TimeZone
  readonly interval: Duration.DurationInput
  /** `push` unless given. */
  readonly source?: Source
  /** How long the meter may give no new telegram; a minute unless given. */
  readonly staleAfter?: Duration.DurationInput
}

/** Without a new telegram for this long, the meter is asked. */
const quietNs = 5_000_000_000n

/** A push connection that lasted so long was a good one: the next is tried at once. */
const steadyPush = Duration.minutes(2)

/** Somebody has to do something about these, so that a meter that is asked every second gains nothing. */
const needsHand: ReadonlyArray<MeterError["reason"]> = ["Unauthorized", "WrongIdentity"]

/** How long to leave a meter alone that has not answered so many times in a row: devices that are slow pile up work. */
const pauseAfter = (error: NotTaken, failures: number): Duration.Duration => {
  if (error._tag !== "MeterError") return Duration.zero
  return Duration.seconds(needsHand.includes(error.reason) ? 3 : Math.min(failures - 1, 3))
}

interface Flow {
  readonly stamp: string | null
  readonly atNs: bigint
}

/**
 * Takes samples for as long as the layer lives; whatever goes wrong ends one step, never the loop. Both ways lead to
 * the same place, one reading at a time, where a telegram that came before is no new one: at a switch none is lost and
 * none is doubled.
 */
export const layer = (
  options: PollerOptions,
): Layer.Layer<never, SpoolError, Meter | Spool | EdgeState | EdgeClock | EdgeStatus> =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const meter = yield* Meter
      const { take } = yield* makeTakeSample(options)
      const reports = yield* makeReports
      const oddities = yield* makeOddities
      const pushLog = yield* makeFoldedLog("1 minute")
      const oneAtATime = (yield* Effect.makeSemaphore(1)).withPermits(1)
      const failures = yield* Ref.make(0)
      const flow = yield* Ref.make(Option.none<Flow>())

      const takeOne = (measurement: Measurement) =>
        Effect.tap(take(measurement), (taken) =>
          Option.isSome(taken) ? oddities.taken({ measurement, sample: taken.value }) : Effect.void,
        )
      const step = (reading: Effect.Effect<Measurement, MeterError>): Effect.Effect<Option.Option<Sample>, NotTaken> =>
        Effect.flatMap(reading, (measurement) => oneAtATime(takeOne(measurement))).pipe(
          Effect.tapBoth({ onSuccess: reports.taken, onFailure: reports.notTaken }),
        )
      const ask = step(meter.measurement).pipe(
        Effect.zipRight(Ref.set(failures, 0)),
        Effect.catchAll((error) =>
          Effect.flatMap(
            Ref.updateAndGet(failures, (n) => n + 1),
            (n) => Effect.sleep(pauseAfter(error, n)),
          ),
        ),
        Effect.catchAllDefect(reports.defect),
      )

      const flows = Effect.zipWith(Ref.get(flow), Clock.currentTimeNanos, (last, nowNs) =>
        Option.exists(last, ({ atNs }) => nowNs - atNs < quietNs),
      )
      const poll = Effect.unlessEffect(ask, flows).pipe(Effect.asVoid, atEvery(Duration.decode(options.interval)))

      /** A telegram like the one before is no sign of life: a meter that lost its cable gives that for ever. */
      const noteFlow = ({ timestamp }: Measurement) =>
        Effect.gen(function* () {
          const atNs = yield* Clock.currentTimeNanos
          const before = yield* Ref.get(flow)
          if (Option.exists(before, ({ stamp }) => stamp === timestamp)) return
          yield* Ref.set(flow, Option.some({ stamp: timestamp, atNs }))
          if (Option.isNone(before)) yield* Effect.logInfo("The meter pushes its telegrams")
        })

      const push = (pushed: Stream.Stream<Either.Either<Measurement, MeterError>, MeterError>) =>
        pushed.pipe(
          Stream.runForEach((reading) =>
            Effect.zipRight(
              Either.isRight(reading) ? noteFlow(reading.right) : Effect.void,
              step(reading).pipe(Effect.ignore, Effect.catchAllDefect(reports.defect)),
            ),
          ),
          Effect.zipRight(new MeterError({ reason: "Unreachable", message: "The push connection ended." })),
          Effect.tapError(({ message, reason }) =>
            Effect.gen(function* () {
              yield* Ref.set(flow, Option.none())
              const warning = Effect.logWarning("The meter is asked until it pushes again")
              yield* pushLog.warn(reason, Effect.annotateLogs(warning, { kind: reason, reason: message }))
              yield* ask
            }),
          ),
          Effect.flip,
          Effect.timed,
          Effect.filterOrFail(([lasted]) => Duration.greaterThanOrEqualTo(lasted, steadyPush)),
          Effect.retry(backoff),
          Effect.forever,
        )

      yield* Effect.forEach(
        [poll, ...(options.source === "poll" ? [] : Option.toArray(Option.map(meter.pushed, push)))],
        (loop) => Effect.forkScoped(Effect.annotateLogs(loop, "module", "poller")),
        { discard: true },
      )
    }),
  )
