import { Clock, Context, Effect, Layer, Option, Ref, type Scope } from "effect"
import { peace, type Switches } from "./Switches.ts"

/** How long after a press of its button the meter makes a user. */
const windowMs = 30_000

type Reaction = (now: Switches, before: Switches) => Effect.Effect<void>

/** What a hand could do to the meter: press its button, pull its cables, put another in its place. */
export class MeterControls extends Context.Tag("simulator/MeterControls")<
  MeterControls,
  {
    readonly switches: Effect.Effect<Switches>
    /** Changes the switches that are given; what they change has happened when this returns. */
    readonly set: (change: Partial<Switches>) => Effect.Effect<void>
    /** Runs at each change of a switch, for as long as the scope is open. */
    readonly react: (reaction: Reaction) => Effect.Effect<void, never, Scope.Scope>
    readonly pressButton: Effect.Effect<void>
    /** Whether the button was pressed within the last 30 seconds and nobody made use of it. */
    readonly buttonHolds: Effect.Effect<boolean>
    readonly releaseButton: Effect.Effect<void>
  }
>() {}

/** Controls of a meter that behaves, until somebody changes that. */
export const layer: Layer.Layer<MeterControls> = Layer.effect(
  MeterControls,
  Effect.gen(function* () {
    const switches = yield* Ref.make(peace)
    const reactions = yield* Ref.make<ReadonlySet<Reaction>>(new Set())
    const pressedAtMs = yield* Ref.make(Option.none<number>())
    const oneAtATime = (yield* Effect.makeSemaphore(1)).withPermits(1)
    return MeterControls.of({
      switches: Ref.get(switches),
      set: (change) =>
        Effect.gen(function* () {
          const before = yield* Ref.get(switches)
          const now = yield* Ref.updateAndGet(switches, (all) => ({ ...all, ...change }))
          yield* Effect.forEach(yield* Ref.get(reactions), (reaction) => reaction(now, before))
        }).pipe(oneAtATime),
      react: (reaction) =>
        Effect.acquireRelease(
          Ref.update(reactions, (all) => new Set([...all, reaction])),
          () => Ref.update(reactions, (all) => new Set([...all].filter((other) => other !== reaction))),
        ),
      pressButton: Effect.flatMap(Clock.currentTimeMillis, (nowMs) => Ref.set(pressedAtMs, Option.some(nowMs))),
      buttonHolds: Effect.zipWith(Clock.currentTimeMillis, Ref.get(pressedAtMs), (nowMs, pressed) =>
        Option.exists(pressed, (atMs) => nowMs - atMs < windowMs),
      ),
      releaseButton: Ref.set(pressedAtMs, Option.none()),
    })
  }),
)
