import { Command } from "@effect/cli"
import { Console, Effect } from "effect"
import { MeterPairing } from "../../domain/ports/index.ts"
import { MeterToken } from "../MeterToken.ts"
import { host, json } from "./Options.ts"

/** Removes this installation's user from the meter, and its token from here. */
export const unpair = Command.make("unpair", { host, json }, ({ json }) =>
  Effect.gen(function* () {
    const pairing = yield* MeterPairing
    const kept = yield* MeterToken
    const revoked = yield* Effect.flatMap(kept.current, pairing.revoke).pipe(
      Effect.as(true),
      Effect.catchIf(
        (error) => error._tag === "MeterError" && error.reason === "Unauthorized",
        () => Effect.succeed(false),
      ),
    )
    yield* kept.forget
    yield* Console.log(
      json
        ? JSON.stringify({ revoked })
        : revoked
          ? "The meter has forgotten this installation, and its token is gone from here."
          : "The meter did not know the token any more; it is gone from here, too.",
    )
    if (kept.isSet) yield* Console.error("HW_P1_TOKEN is still set, to a token that is worth nothing now: take it out.")
  }),
).pipe(Command.withDescription("Give the meter's token back"))
