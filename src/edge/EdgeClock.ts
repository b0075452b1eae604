import { Clock, Context, DateTime, Effect, Layer, Option, Ref } from "effect"
import { earliestMs, type EdgeTime, type Instant } from "../domain/index.ts"

/** How far this machine's clock may be from the server's to be believed. */
const trustedWithinMs = 5_000

interface Comparison {
  readonly offsetMs: number
  /** Wall clock minus monotonic clock: it changes when somebody sets the clock. */
  readonly stepMs: number
}

const offsetOf = (last: Option.Option<Comparison>, stepMs: number): Option.Option<number> =>
  Option.map(last, (then) => then.offsetMs + stepMs - then.stepMs)

/** This machine's clock, and whether it can be believed: a Pi without a clock chip starts anywhere. */
export class EdgeClock extends Context.Tag("edge/EdgeClock")<
  EdgeClock,
  {
    /** Compares the clock with what the server just said in its `Date` header. */
    readonly compare: (serverTime: Instant) => Effect.Effect<void>
    /** In place of a clock that has never been set, the server's, once that has said the time. */
    readonly time: Effect.Effect<EdgeTime>
    /** This machine's clock minus the server's, also when it was set since; none before the first comparison. */
    readonly offsetMs: Effect.Effect<Option.Option<number>>
  }
>() {
  static readonly layer: Layer.Layer<EdgeClock> = Layer.effect(
    EdgeClock,
    Effect.gen(function* () {
      const compared = yield* Ref.make(Option.none<Comparison>())
      const read = Effect.all({ now: DateTime.now, nanos: Clock.currentTimeNanos }).pipe(
        Effect.map(({ nanos, now }) => ({ now, stepMs: now.epochMillis - Number(nanos / 1_000_000n) })),
      )
      return EdgeClock.of({
        compare: (serverTime) =>
          Effect.flatMap(read, ({ now, stepMs }) =>
            Ref.set(compared, Option.some({ offsetMs: now.epochMillis - serverTime.epochMillis, stepMs })),
          ),
        time: Effect.zipWith(read, Ref.get(compared), ({ now, stepMs }, last) => {
          const offset = offsetOf(last, stepMs)
          return now.epochMillis < earliestMs && Option.isSome(offset)
            ? { now: DateTime.subtract(now, { millis: offset.value }), trusted: true }
            : { now, trusted: Option.exists(offset, (offsetMs) => Math.abs(offsetMs) <= trustedWithinMs) }
        }),
        offsetMs: Effect.zipWith(read, Ref.get(compared), ({ stepMs }, last) => offsetOf(last, stepMs)),
      })
    }),
  )
}
