import { Schema } from "effect"
import { Instant } from "./Instant.ts"
import { ExternalId, ExternalKind, ExternalUnit } from "./Measurement.ts"
import { nullable, SnakeStruct } from "./SnakeCase.ts"

/** No connection of a house or small business carries more; what says so is a glitch. */
export const absurdPowerW = 10_000_000

export const PowerW = Schema.Number.pipe(Schema.between(-absurdPowerW, absurdPowerW)).annotations({
  title: "PowerW",
  description: "Watts: positive import, negative export",
})
/** Power as stores keep it: whole watts. */
export const storedPowerW = (powerW: number): number => Math.round(powerW) + 0

export const EnergyKwh = Schema.NonNegative.pipe(Schema.finite()).annotations({
  title: "EnergyKwh",
  description: "A cumulative register in kWh",
})
export const Finite = Schema.Finite

/** The longest stamp of a meter that is kept word for word. */
export const meterStampLength = 64

/** Sub-meters in one sample; a smart meter takes four. */
export const maxExternal = 32

export const TsSource = Schema.Literal("meter", "edge", "elapsed").annotations({
  description: "Whose clock gave ts: the meter's, the edge's, or the previous ts plus the time elapsed since",
})
export type TsSource = typeof TsSource.Type

export const externalFields = {
  id: ExternalId,
  kind: ExternalKind,
  ts: Instant,
  value: Finite,
  unit: ExternalUnit,
} as const

/** One reading of a sub-meter: `value` is its cumulative counter in `unit`, `ts` its own reading time. */
export const ExternalReading = SnakeStruct(externalFields)
export type ExternalReading = typeof ExternalReading.Type

export const sampleFields = {
  ts: Instant.annotations({ description: "When the meter read it; the key together with the device" }),
  powerW: PowerW,
  energyImportKwh: nullable(EnergyKwh),
  energyExportKwh: nullable(EnergyKwh),
  energyImportT1Kwh: nullable(EnergyKwh),
  energyImportT2Kwh: nullable(EnergyKwh),
  energyImportT3Kwh: nullable(EnergyKwh),
  energyImportT4Kwh: nullable(EnergyKwh),
  energyExportT1Kwh: nullable(EnergyKwh),
  energyExportT2Kwh: nullable(EnergyKwh),
  energyExportT3Kwh: nullable(EnergyKwh),
  energyExportT4Kwh: nullable(EnergyKwh),
  tariff: nullable(Schema.Literal(1, 2, 3, 4)),
  powerL1W: nullable(PowerW),
  powerL2W: nullable(PowerW),
  powerL3W: nullable(PowerW),
  voltageL1V: nullable(Finite),
  voltageL2V: nullable(Finite),
  voltageL3V: nullable(Finite),
  currentA: nullable(Finite),
  currentL1A: nullable(Finite),
  currentL2A: nullable(Finite),
  currentL3A: nullable(Finite),
  frequencyHz: nullable(Finite),
  averagePower15mW: nullable(PowerW),
  monthlyPowerPeakW: nullable(PowerW),
  monthlyPowerPeakTs: nullable(Instant),
  external: nullable(Schema.Array(ExternalReading).pipe(Schema.maxItems(maxExternal))),
  receivedAt: nullable(Instant),
  meterStamp: nullable(Schema.String.pipe(Schema.maxLength(meterStampLength))),
  tsSource: nullable(TsSource),
} as const

/** The fields of a sample, in order. */
export const sampleFieldNames = Object.keys(sampleFields) as ReadonlyArray<keyof typeof sampleFields>

/**
 * One normalized reading of the meter.
 *
 * `ts` is the meter's own reading time in UTC, `receivedAt` the edge's clock, `meterStamp` what the meter said
 * word for word. Registers are kWh since the meter was made; where a meter gives only its tariffs, the total is
 * their sum. `monthlyPowerPeakTs` is the end of the quarter-hour that set the peak.
 */
export const Sample = SnakeStruct(sampleFields).annotations({ identifier: "Sample" })
export type Sample = typeof Sample.Type

const count = nullable(Finite)

/** What the meter says of itself. Sent when it changes, stored as changes; `ts` is when it was first seen. */
export const MeterInfo = SnakeStruct({
  ts: Instant,
  uniqueId: nullable(Schema.String),
  model: nullable(Schema.String),
  protocolVersion: nullable(Schema.Number),
  firmwareVersion: nullable(Schema.String),
  voltageSagL1Count: count,
  voltageSagL2Count: count,
  voltageSagL3Count: count,
  voltageSwellL1Count: count,
  voltageSwellL2Count: count,
  voltageSwellL3Count: count,
  anyPowerFailCount: count,
  longPowerFailCount: count,
}).annotations({ identifier: "MeterInfo" })
export type MeterInfo = typeof MeterInfo.Type

/** `YYYY-MM`: a calendar month in the device's zone. */
export const Month = Schema.String.pipe(Schema.pattern(/^\d{4}-(0[1-9]|1[0-2])$/)).annotations({
  title: "Month",
  description: "A calendar month in the device's zone, YYYY-MM",
  examples: ["2026-03"],
  message: () => "expected a month such as 2026-03",
})
export type Month = typeof Month.Type

/** A monthly peak as the meter itself keeps it; `peakTs` is the end of the quarter-hour that set it. */
export const MeteredPeak = SnakeStruct({
  month: Month,
  peakW: PowerW,
  peakTs: nullable(Instant),
}).annotations({ identifier: "MeteredPeak" })
export type MeteredPeak = typeof MeteredPeak.Type
