import { Context, Data, type Effect, type Either, type Option, type Stream } from "effect"
import type { Measurement } from "../Measurement.ts"

/**
 * Why the meter gave no measurement: it could not be reached; it is not the meter it should be; its certificate is not
 * valid by this machine's clock; it refused the token; what it said was no measurement.
 */
export class MeterError extends Data.TaggedError("MeterError")<{
  readonly reason: "Unreachable" | "WrongIdentity" | "CertificateDates" | "Unauthorized" | "Malformed"
  readonly message: string
  readonly cause?: unknown
}> {}

/** What the device says of itself (`GET /api`). */
export interface MeterDevice {
  readonly serial: string
  readonly productType: string
  readonly firmwareVersion: string
  readonly apiVersion: string
}

/** A P1 meter. One request at a time. */
export class Meter extends Context.Tag("domain/Meter")<
  Meter,
  {
    readonly device: Effect.Effect<MeterDevice, MeterError>
    /** The newest reading; asking twice within a telegram gives the same one twice. */
    readonly measurement: Effect.Effect<Measurement, MeterError>
    /**
     * Each reading as the meter gives it, over one connection, good ones and bad ones: fails when that connection ends
     * or is found dead. None for a meter that only answers.
     */
    readonly pushed: Option.Option<Stream.Stream<Either.Either<Measurement, MeterError>, MeterError>>
    /** The newest telegram word for word; none while the meter gave none. */
    readonly telegram: Effect.Effect<Option.Option<string>, MeterError>
  }
>() {}
