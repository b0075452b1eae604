import { Command } from "@effect/cli"
import { Console, Duration, Effect, Option, Random, Ref, Schedule } from "effect"
import type { Measurement } from "../../domain/index.ts"
import { EdgeState, type MeterError, MeterPairing } from "../../domain/ports/index.ts"
import { StartupError } from "../../infra/process/index.ts"
import { MeterToken } from "../MeterToken.ts"
import { host, json } from "./Options.ts"

const askEvery = Duration.seconds(2)
const askFor = Duration.minutes(3)

const nameKey = "meter.user"

/**
 * The name of this installation's user, the same each time: a name that is new each time would fill the meter's list,
 * and one that others use would take their token away.
 */
const userName = Effect.gen(function* () {
  const state = yield* EdgeState
  const kept = yield* state.get(nameKey)
  if (Option.isSome(kept)) return kept.value
  const id = (yield* Random.nextIntBetween(0, 2 ** 32)).toString(16).padStart(8, "0")
  const name = `local/p1-energy-${id}`
  yield* state.set(nameKey, name)
  return name
})

const tooLate = new StartupError({
  message: `Nobody tapped the meter's button within ${Duration.format(askFor)}: run p1-edge pair again and tap it while this waits.`,
})

/** Asks until the button was tapped; a meter that refuses connections meanwhile is asked again. */
const waitForTap = Effect.fn("waitForTap")(function* (name: string) {
  const pairing = yield* MeterPairing
  const said = yield* Ref.make(false)
  const sayOnce = ({ message }: MeterError) =>
    Effect.unlessEffect(Console.error(`${message} Still trying.`), Ref.getAndSet(said, true))
  return yield* pairing.requestToken(name).pipe(
    Effect.catchIf(
      ({ reason }) => reason === "Unreachable",
      (error) => Effect.as(sayOnce(error), Option.none()),
    ),
    Effect.flatMap((token) => token),
    Effect.retry({ schedule: Schedule.spaced(askEvery), while: ({ _tag }) => _tag === "NoSuchElementException" }),
    Effect.catchTag("NoSuchElementException", () => tooLate),
    Effect.timeoutFail({ duration: askFor, onTimeout: () => tooLate }),
  )
})

const wattsOf = ({ powerW }: Measurement): string => {
  if (powerW === null) return "no power yet"
  return powerW < 0 ? `${-powerW} W to the grid` : `${powerW} W from the grid`
}

/** Waits for a tap on the meter's button, keeps the token it then gives, and proves it with a measurement. */
export const pair = Command.make("pair", { host, json }, ({ json }) =>
  Effect.gen(function* () {
    const pairing = yield* MeterPairing
    const kept = yield* MeterToken
    const name = yield* userName
    yield* Console.error("Tap the button of the P1 meter once, briefly. Do not hold it: that starts its Wi-Fi setup.")
    const token = yield* waitForTap(name)
    yield* kept.keep(token)
    yield* pairing.pin
    const measurement = yield* Effect.retry(pairing.measurement(token), {
      schedule: Schedule.spaced("1 second"),
      times: 5,
      while: ({ reason }) => reason === "Unreachable",
    })
    const serial = Option.getOrElse(yield* pairing.serial, () => "")
    yield* Console.log(
      json
        ? JSON.stringify({ serial, user: name, token_file: kept.file, power_w: measurement.powerW })
        : `Paired with meter ${serial}, which says ${wattsOf(measurement)}. Its token is kept in ${kept.file}.`,
    )
    if (kept.isSet) yield* Console.error("HW_P1_TOKEN is set and counts more than that file: take it out.")
  }),
).pipe(Command.withDescription("Get a token from the meter by a tap on its button"))
