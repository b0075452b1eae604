import { Effect, type Either, Layer, Option, type Stream } from "effect"
import type { Measurement } from "../../domain/index.ts"
import { Meter, type MeterDevice, type MeterError } from "../../domain/ports/index.ts"

const somewhere: MeterDevice = {
  serial: "5c2faf000001",
  productType: "HWE-P1",
  firmwareVersion: "6.0304",
  apiVersion: "2.0.0",
}

export interface MemoryMeter {
  readonly device: MeterDevice
  readonly telegram: Effect.Effect<Option.Option<string>, MeterError>
  readonly pushed: Stream.Stream<Either.Either<Measurement, MeterError>, MeterError>
}

/** A meter that reads what it is told to; without a telegram, and pushing nothing, unless it is given them. */
export const layer = (
  measurement: Effect.Effect<Measurement, MeterError>,
  { device = somewhere, pushed, telegram = Effect.succeedNone }: Partial<MemoryMeter> = {},
): Layer.Layer<Meter> =>
  Layer.succeed(Meter, {
    device: Effect.succeed(device),
    measurement,
    telegram,
    pushed: Option.fromNullable(pushed),
  })
