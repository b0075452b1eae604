import { Effect, Layer, type Option } from "effect"
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
}

/** A meter that reads what it is told to; without a telegram unless it is given one. */
export const layer = (
  measurement: Effect.Effect<Measurement, MeterError>,
  { device = somewhere, telegram = Effect.succeedNone }: Partial<MemoryMeter> = {},
): Layer.Layer<Meter> => Layer.succeed(Meter, { device: Effect.succeed(device), measurement, telegram })
