import { DateTime } from "effect"
import type { MeterInfo, Sample } from "../../src/domain/index.ts"

const utc = (iso: string) => DateTime.unsafeMake(iso)

/** A sample of second `n` with a different value in every field. */
export const sampleAt = (n: number): Sample => ({
  ts: DateTime.add(utc("2026-07-15T10:00:00Z"), { seconds: n }),
  powerW: 1000 + n,
  energyImportKwh: 12345.678 + n,
  energyExportKwh: 1.001,
  energyImportT1Kwh: 2.002,
  energyImportT2Kwh: 3.003,
  energyImportT3Kwh: 4.004,
  energyImportT4Kwh: 5.005,
  energyExportT1Kwh: 6.006,
  energyExportT2Kwh: 7.007,
  energyExportT3Kwh: 8.008,
  energyExportT4Kwh: 9.009,
  tariff: 2,
  powerL1W: -11.5,
  powerL2W: 12,
  powerL3W: 13,
  voltageL1V: 231.4,
  voltageL2V: 232.5,
  voltageL3V: 233.6,
  currentA: 1.25,
  currentL1A: 2.25,
  currentL2A: 3.25,
  currentL3A: 4.25,
  frequencyHz: 49.98,
  averagePower15mW: 810,
  monthlyPowerPeakW: 4321,
  monthlyPowerPeakTs: utc("2026-07-03T17:45:00Z"),
  external: [{ id: "gas-1", kind: "gas_meter", ts: utc("2026-07-15T09:55:00Z"), value: 2569.646, unit: "m3" }],
  receivedAt: DateTime.add(utc("2026-07-15T10:00:00.250Z"), { seconds: n }),
  meterStamp: `2026-07-15T12:00:${n}`,
  tsSource: "meter",
})

/** A sample with nothing but what every sample has. */
export const bareSampleAt = (n: number): Sample => {
  const full = sampleAt(n)
  const empty = Object.fromEntries(Object.keys(full).map((field) => [field, null]))
  return { ...full, ...empty, ts: full.ts, powerW: full.powerW }
}

export const meterOf = (firmwareVersion: string): MeterInfo => ({
  ts: utc("2026-07-15T10:00:00Z"),
  uniqueId: "4530303437303030",
  model: 'ISKRA  2M550T-101 "x"',
  protocolVersion: 50,
  firmwareVersion,
  voltageSagL1Count: 1,
  voltageSagL2Count: null,
  voltageSagL3Count: 3,
  voltageSwellL1Count: 4,
  voltageSwellL2Count: 5,
  voltageSwellL3Count: 6,
  anyPowerFailCount: 7,
  longPowerFailCount: 8,
})
