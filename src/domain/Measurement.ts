import { Either, Schema } from "effect"
import { nullable, SnakeStruct } from "./SnakeCase.ts"

/** A field that counts as absent where it is not what it should be, so that it costs only itself. */
const lenient = <A, I>(schema: Schema.Schema<A, I>) =>
  nullable(Schema.NullOr(schema).annotations({ decodingFallback: () => Either.right(null) }))

const number = lenient(Schema.Finite)
const string = lenient(Schema.String)

export const ExternalId = Schema.NonEmptyString.pipe(Schema.maxLength(200))
export const ExternalKind = Schema.NonEmptyString.pipe(Schema.maxLength(100))
export const ExternalUnit = Schema.NonEmptyString.pipe(Schema.maxLength(20))

/** A sub-meter (gas, water, heat) behind the smart meter, as `external[]` of the measurement gives it. */
export const ExternalMeasurement = SnakeStruct({
  uniqueId: ExternalId,
  type: ExternalKind,
  /** The sub-meter's own reading time: local wall clock, no zone. */
  timestamp: Schema.NonEmptyString,
  value: Schema.Finite,
  unit: ExternalUnit,
})
export type ExternalMeasurement = typeof ExternalMeasurement.Type

/**
 * `GET /api/measurement` of a P1 meter, Local API v2.
 *
 * The device leaves out what the smart meter does not give, so no field is certain; one of another type than
 * documented counts as absent. Watts are positive for import; kWh are cumulative registers; `timestamp` is the meter's
 * local wall clock without a zone. `external` stays undecoded here, so that one broken sub-meter costs only itself.
 *
 * Source: HomeWizard API documentation, v2, "Recent Measurement".
 */
export const Measurement = SnakeStruct({
  uniqueId: string,
  protocolVersion: number,
  meterModel: string,
  timestamp: string,
  tariff: number,
  energyImportKwh: number,
  energyImportT1Kwh: number,
  energyImportT2Kwh: number,
  energyImportT3Kwh: number,
  energyImportT4Kwh: number,
  energyExportKwh: number,
  energyExportT1Kwh: number,
  energyExportT2Kwh: number,
  energyExportT3Kwh: number,
  energyExportT4Kwh: number,
  powerW: number,
  powerL1W: number,
  powerL2W: number,
  powerL3W: number,
  voltageV: number,
  voltageL1V: number,
  voltageL2V: number,
  voltageL3V: number,
  currentA: number,
  currentL1A: number,
  currentL2A: number,
  currentL3A: number,
  frequencyHz: number,
  voltageSagL1Count: number,
  voltageSagL2Count: number,
  voltageSagL3Count: number,
  voltageSwellL1Count: number,
  voltageSwellL2Count: number,
  voltageSwellL3Count: number,
  anyPowerFailCount: number,
  longPowerFailCount: number,
  averagePower15mW: number,
  monthlyPowerPeakW: number,
  monthlyPowerPeakTimestamp: string,
  external: lenient(Schema.Array(Schema.Unknown)),
})
export type Measurement = typeof Measurement.Type

const isReadable = Schema.is(Schema.encodedSchema(ExternalMeasurement))

/** How many of the sub-meters say something that cannot be read. */
export const unreadableExternals = ({ external }: Measurement): number =>
  (external ?? []).filter((entry) => !isReadable(entry)).length
