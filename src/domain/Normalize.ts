import { Either, Option } from "effect"
import type { Measurement } from "./Measurement.ts"
import { resolveTs, type TimeEvidence } from "./MeterTime.ts"
import { externalReadings, monthlyPeakTs, type ReportContext, stampsReported } from "./Reported.ts"
import type { Instant } from "./Instant.ts"
import { absurdPowerW, maxExternal, meterStampLength, type MeterInfo, type Sample } from "./Sample.ts"

/** Why a measurement gave no sample: it says no power, one that no house draws, or a reading time that does not fit. */
export type Unusable = { readonly reason: "NoPower" | "AbsurdPower" | "DoubtfulStamp" }

const tariffs = [1, 2, 3, 4] as const

const power = (watts: number | null): number | null =>
  watts !== null && Math.abs(watts) <= absurdPowerW ? watts : null

const register = (kwh: number | null): number | null => (kwh !== null && kwh >= 0 ? kwh : null)

/** The size alone: of currents the sign depends on meter and firmware, the direction is that of the power. */
const amperes = (current: number | null): number | null => (current === null ? null : Math.abs(current))

const sumOfTariffs = (registers: ReadonlyArray<number | null>): number | null => {
  const given = registers.map(register).filter((kwh) => kwh !== null)
  return given.length === 0 ? null : Math.round(given.reduce((sum, kwh) => sum + kwh, 0) * 1000) / 1000
}

/**
 * A net of 3×230 V without neutral: the meter gives zero for the power of every phase, and for voltage and current of
 * the second. Zeros that are not so are left out.
 */
const lacksNeutral = ({ powerL1W, powerL2W, powerL3W, powerW }: Measurement): boolean =>
  powerL1W === 0 && powerL2W === 0 && powerL3W === 0 && Math.abs(powerW ?? 0) >= 10

const asItIs = (value: number | null): number | null => value
const unlessZero = (value: number | null): number | null => (value === 0 ? null : value)

/** What the edge adds to a measurement to make it a sample. */
export interface NormalizeContext extends TimeEvidence, ReportContext {}

/**
 * The sample of a measurement. Totals that are missing are the sum of their tariffs, tariffs outside 1 to 4 are
 * dropped, currents lose their sign, a sub-meter that cannot be read costs only itself. Without `powerW`, or with a
 * reading time that may be that of an old reading, there is no sample.
 */
export const normalize = (m: Measurement, context: NormalizeContext): Either.Either<Sample, Unusable> => {
  if (m.powerW === null) return Either.left({ reason: "NoPower" })
  if (power(m.powerW) === null) return Either.left({ reason: "AbsurdPower" })
  const resolved = resolveTs(m.timestamp, context.zone, context)
  if (Option.isNone(resolved)) return Either.left({ reason: "DoubtfulStamp" })
  const key = resolved.value
  const stamps = stampsReported(m, key, context)
  const phase = lacksNeutral(m) ? unlessZero : asItIs
  return Either.right({
    ts: key.ts,
    tsSource: key.tsSource,
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
    powerL1W: phase(power(m.powerL1W)),
    powerL2W: phase(power(m.powerL2W)),
    powerL3W: phase(power(m.powerL3W)),
    voltageL1V: m.voltageL1V ?? m.voltageV,
    voltageL2V: phase(m.voltageL2V),
    voltageL3V: m.voltageL3V,
    currentA: amperes(m.currentA),
    currentL1A: amperes(m.currentL1A),
    currentL2A: phase(amperes(m.currentL2A)),
    currentL3A: amperes(m.currentL3A),
    frequencyHz: m.frequencyHz,
    averagePower15mW: power(m.averagePower15mW),
    monthlyPowerPeakW: power(m.monthlyPowerPeakW),
    monthlyPowerPeakTs: monthlyPeakTs(m, stamps),
    external: m.external === null ? null : externalReadings(m, stamps).slice(0, maxExternal),
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
