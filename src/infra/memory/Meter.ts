import { Effect, Layer } from "effect"
import type { Measurement } from "../../domain/index.ts"
import { Meter, type MeterDevice, type MeterError } from "../../domain/ports/index.ts"

const somewhere: MeterDevice = {
  serial: "5c2faf000001",
  productType: "HWE-P1",
  firmwareVersion: "6.0304",
  apiVersion: "2.0.0",
}

/** A meter that reads what it is told to. */
export const layer = (
  measurement: Effect.Effect<Measurement, MeterError>,
  device: MeterDevice = somewhere,
): Layer.Layer<Meter> => Layer.succeed(Meter, { device: Effect.succeed(device), measurement })
