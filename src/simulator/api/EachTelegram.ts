import { Effect, type Scope } from "effect"
import { MeterControls } from "../Controls.ts"
import { type MeasurementJson } from "../Telegram.ts"
import { SimulatedMeter } from "../SimulatedMeter.ts"

/** How long the meter waits at least before it looks at its clock again, milliseconds. */
const leastWaitMs = 5

/** Runs at each second of the meter, none left out, while somebody wants to know; `wake` says that somebody might. */
export const eachTelegram = (
  wanted: () => boolean,
  use: (json: MeasurementJson) => Effect.Effect<void>,
): Effect.Effect<{ readonly wake: Effect.Effect<void> }, never, SimulatedMeter | MeterControls | Scope.Scope> =>
  Effect.gen(function* () {
    const { switches } = yield* MeterControls
    const { measurementAt, msUntil, now } = yield* SimulatedMeter
    const awake = yield* Effect.makeLatch()
    const watch = Effect.gen(function* () {
      yield* awake.await
      yield* awake.close
      let last = yield* now
      while (wanted()) {
        yield* Effect.sleep(Math.max(leastWaitMs, yield* msUntil(last + 1)))
        const second = yield* now
        if ((yield* switches).smartMeter !== "well") last = second
        while (last < second) yield* Effect.flatMap(measurementAt(++last), use)
      }
    })
    yield* Effect.forkScoped(Effect.forever(watch))
    return { wake: Effect.asVoid(awake.open) }
  })
