import { Context, type Effect, type Option, type Redacted } from "effect"
import type { Measurement } from "../Measurement.ts"
import type { MeterError } from "./Meter.ts"
import type { SpoolError } from "./Spool.ts"

/** A meter that somebody stands beside: a tap on its button makes it give a token. */
export class MeterPairing extends Context.Tag("domain/MeterPairing")<
  MeterPairing,
  {
    /** Asks for the token of a user, `local/` and up to 40 letters; none before the button was tapped. */
    readonly requestToken: (userName: string) => Effect.Effect<Option.Option<Redacted.Redacted>, MeterError>
    /** The serial of the meter that answered. */
    readonly serial: Effect.Effect<Option.Option<string>>
    /** What the meter says to the owner of a token. */
    readonly measurement: (token: Redacted.Redacted) => Effect.Effect<Measurement, MeterError>
    /** From now on only the meter that answered is the meter. */
    readonly pin: Effect.Effect<void, SpoolError>
    /** Removes the user whose token it is. */
    readonly revoke: (token: Redacted.Redacted) => Effect.Effect<void, MeterError>
  }
>() {}
