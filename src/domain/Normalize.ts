import { Array as Arr, type DateTime, Either, Option, Schema } from "effect"
import { ExternalMeasurement, type Measurement } from "./Measurement.ts"
import { type EdgeTime, latestInstantOfStamp, type PreviousSample, resolveTs } from "./MeterTime.ts"
import type { Instant } from "./Instant.ts"
import {
  absurdPowerW,
  type ExternalReading,
  maxExternal,
  meterStampLength,
  type MeterInfo,
  type Sample,
} from "./Sample.ts"

/** Why a measurement gave no sample. */
export type Unusable = { readonly reason: "NoPower" | "AbsurdPower" }

const tariffs = [1, 2, 3, 4] as const

const power = (watts: number | null): number | null =>
  watts !== null && Math.abs(watts) <= absurdPowerW ? watts : null

const register = (kwh: number | null): number | null => (kwh !== null && kwh >= 0 ? kwh : null)

const sumOfTariffs = (registers: ReadonlyArray<number | null>): number | null => {
  const given = registers.map(register).filter((kwh) => kwh !== null)
  return given.length === 0 ? null : Math.round(given.reduce((sum, kwh) => sum + kwh, 0) * 1000) / 1000
}

const externalReadings = (
  external: ReadonlyArray<unknown>,
  zone: DateTime.TimeZone,
  ts: Instant,
): ReadonlyArray<ExternalReading> =>
  Arr.filterMap(external, (entry) =>
    Option.flatMap(Either.getRight(Schema.decodeUnknownEither(ExternalMeasurement)(entry)), (meter) =>
      Option.map(latestInstantOfStamp(meter.timestamp, zone, ts), (readAt) => ({
        id: meter.uniqueId,
        kind: meter.type,
        ts: readAt,
        value: meter.value,
        unit: meter.unit,
      })),
    ),
  )

/** What the edge adds to a measurement to make it a sample. */
export interface NormalizeContext {
  readonly zone: DateTime.TimeZone
  readonly edge: EdgeTime
  readonly previous: Option.Option<PreviousSample>
}

/**
 * The sample of a measurement. Totals that are missing are the sum of their tariffs, tariffs outside 1 to 4 are
 * dropped, a sub-meter that cannot be read costs only itself. Without `powerW` there is no sample.
 */
export const normalize = (m: Measurement, context: NormalizeContext): Either.Either<Sample, Unusable> => {
  if (m.powerW === null) return Either.left({ reason: "NoPower" })
  if (power(m.powerW) === null) return Either.left({ reason: "AbsurdPower" })
  const { ts, tsSource } = resolveTs(m.timestamp, context.zone, context.edge, context.previous)
  return Either.right({
    ts,
    tsSource,
    meterStamp: m.timestamp?.slice(0, meterStampLength) ?? null,
    receivedAt: context.edge.now,
    powerW: Math.round(m.powerW),
    energyImportKwh:
      register(m.energyImportKwh) ??
      sumOfTariffs([m.energyImportT1Kwh, m.energyImportT2Kwh, m.energyImportT3Kwh, m.energyImportT4Kwh]),
    energyExportKwh:
      register(m.energyExportKwh) ??
      sumOfTariffs([m.energyExportT1Kwh, m.energyExportT2Kwh, m.energyExportT3Kwh, m.energyExportT4Kwh]),
    energyImportT1Kwh: register(m.energyImportT1Kwh),
    energyImportT2Kwh: register(m.energyImportT2Kwh),
    energyImportT3Kwh: register(m.energyImportT3Kwh),
    energyImportT4Kwh: register(m.energyImportT4Kwh),
    energyExportT1Kwh: register(m.energyExportT1Kwh),
    energyExportT2Kwh: register(m.energyExportT2Kwh),
    energyExportT3Kwh: register(m.energyExportT3Kwh),
    energyExportT4Kwh: register(m.energyExportT4Kwh),
    tariff: tariffs.find((tariff) => tariff === m.tariff) ?? null,
    powerL1W: power(m.powerL1W),
    powerL2W: power(m.powerL2W),
    powerL3W: power(m.powerL3W),
    voltageL1V: m.voltageL1V ?? m.voltageV,
    voltageL2V: m.voltageL2V,
    voltageL3V: m.voltageL3V,
    currentA: m.currentA,
    currentL1A: m.currentL1A,
    currentL2A: m.currentL2A,
    currentL3A: m.currentL3A,
    frequencyHz: m.frequencyHz,
    averagePower15mW: power(m.averagePower15mW),
    monthlyPowerPeakW: power(m.monthlyPowerPeakW),
    monthlyPowerPeakTs:
      m.monthlyPowerPeakTimestamp === null
        ? null
        : Option.getOrNull(latestInstantOfStamp(m.monthlyPowerPeakTimestamp, context.zone, ts)),
    external: m.external === null ? null : externalReadings(m.external, context.zone, ts).slice(0, maxExternal),
  })
}

/** What the meter says of itself beside its readings. */
export const meterInfo = (m: Measurement, ts: Instant, firmwareVersion: string | null): MeterInfo => ({
  ts,
  uniqueId: m.uniqueId,
  model: m.meterModel,
  protocolVersion: m.protocolVersion,
  firmwareVersion,
  voltageSagL1Count: m.voltageSagL1Count,
  voltageSagL2Count: m.voltageSagL2Count,
  voltageSagL3Count: m.voltageSagL3Count,
  voltageSwellL1Count: m.voltageSwellL1Count,
  voltageSwellL2Count: m.voltageSwellL2Count,
  voltageSwellL3Count: m.voltageSwellL3Count,
  anyPowerFailCount: m.anyPowerFailCount,
  longPowerFailCount: m.longPowerFailCount,
})

/** Whether the meter says the same of itself as before, whenever it was said. */
export const sameMeter = (a: MeterInfo, b: MeterInfo): boolean =>
  JSON.stringify({ ...a, ts: null }) === JSON.stringify({ ...b, ts: null })
