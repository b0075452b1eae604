import { FastCheck as fc } from "effect"
import { fromEpochMillis, type MeterInfo, type Sample } from "../../src/domain/index.ts"
import type { IngestBatch } from "../../src/domain/ports/index.ts"

/** 2026-03-28T23:00:00Z: the night before summer time begins in Brussels. */
export const baseMs = Date.UTC(2026, 2, 28, 23)

/** A sample that says its power and, unless told otherwise, nothing else. */
export const sampleAt = (tsMs: number, values: Partial<Sample> = {}): Sample => ({
  ts: fromEpochMillis(tsMs),
  powerW: 500,
  energyImportKwh: null,
  energyExportKwh: null,
  energyImportT1Kwh: null,
  energyImportT2Kwh: null,
  energyImportT3Kwh: null,
  energyImportT4Kwh: null,
  energyExportT1Kwh: null,
  energyExportT2Kwh: null,
  energyExportT3Kwh: null,
  energyExportT4Kwh: null,
  tariff: null,
  powerL1W: null,
  powerL2W: null,
  powerL3W: null,
  voltageL1V: null,
  voltageL2V: null,
  voltageL3V: null,
  currentA: null,
  currentL1A: null,
  currentL2A: null,
  currentL3A: null,
  frequencyHz: null,
  averagePower15mW: null,
  monthlyPowerPeakW: null,
  monthlyPowerPeakTs: null,
  external: null,
  receivedAt: null,
  meterStamp: null,
  tsSource: null,
  ...values,
})

/** A sample in which every field says something of its own. */
export const fullSample = (tsMs: number): Sample => ({
  ts: fromEpochMillis(tsMs),
  powerW: -1234,
  energyImportKwh: 12_345.678,
  energyExportKwh: 2_345.001,
  energyImportT1Kwh: 6_000.1,
  energyImportT2Kwh: 6_345.578,
  energyImportT3Kwh: 0.25,
  energyImportT4Kwh: 0.5,
  energyExportT1Kwh: 1_000.3,
  energyExportT2Kwh: 1_344.701,
  energyExportT3Kwh: 0.125,
  energyExportT4Kwh: 0.75,
  tariff: 2,
  powerL1W: -400,
  powerL2W: -500.5,
  powerL3W: -333.5,
  voltageL1V: 231.4,
  voltageL2V: 229.9,
  voltageL3V: 230.1,
  currentA: -5.3,
  currentL1A: -1.7,
  currentL2A: -2.1,
  currentL3A: -1.5,
  frequencyHz: 49.98,
  averagePower15mW: 0.5,
  monthlyPowerPeakW: 3_210,
  monthlyPowerPeakTs: fromEpochMillis(tsMs - 86_400_000),
  external: [
    { id: "gas-1", kind: "gas_meter", ts: fromEpochMillis(tsMs - 60_000), value: 1_234.567, unit: "m3" },
    { id: "water-1", kind: "water_meter", ts: fromEpochMillis(tsMs - 30_000), value: 89.5, unit: "m3" },
  ],
  receivedAt: fromEpochMillis(tsMs + 345),
  meterStamp: "260329000000W",
  tsSource: "meter",
})

export const meterAt = (tsMs: number, values: Partial<MeterInfo> = {}): MeterInfo => ({
  ts: fromEpochMillis(tsMs),
  uniqueId: "4E47",
  model: "ISKRA 2M550T-101",
  protocolVersion: 50,
  firmwareVersion: "6.00",
  voltageSagL1Count: 1,
  voltageSagL2Count: 0,
  voltageSagL3Count: null,
  voltageSwellL1Count: 0,
  voltageSwellL2Count: 0,
  voltageSwellL3Count: null,
  anyPowerFailCount: 4,
  longPowerFailCount: 2,
  ...values,
})

export const batchOf = (samples: ReadonlyArray<Sample>, rest: Partial<IngestBatch> = {}): IngestBatch => ({
  samples,
  meter: null,
  meteredPeaks: [],
  receivedAt: fromEpochMillis(baseMs + 40 * 86_400_000),
  ...rest,
})

/**
 * A run of samples as a meter gives it, with odd gaps: mostly seconds, sometimes minutes, sometimes over several
 * quarter-hours. Registers are there or not, in whole watt-hours; now and then they jump and stay, or for one reading only.
 */
export const arbitraryRun: fc.Arbitrary<ReadonlyArray<Sample>> = fc
  .record({
    hasImport: fc.boolean(),
    hasExport: fc.boolean(),
    steps: fc.array(
      fc.record({
        gapMs: fc.oneof(
          { weight: 6, arbitrary: fc.integer({ min: 1, max: 15_000 }) },
          { weight: 2, arbitrary: fc.integer({ min: 60_000, max: 400_000 }) },
          { weight: 1, arbitrary: fc.integer({ min: 900_000, max: 4_000_000 }) },
          { weight: 1, arbitrary: fc.constant(300_000) },
        ),
        powerW: fc.integer({ min: -6_000, max: 9_000 }),
        oddity: fc.oneof(
          { weight: 15, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.constantFrom(-5, -400, 900_000) },
        ),
        glitch: fc.oneof(
          { weight: 15, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.constantFrom(-600_000, 800_000) },
        ),
        gas: fc.boolean(),
        peakW: fc.option(fc.integer({ min: 0, max: 5_000 })),
      }),
      { minLength: 1, maxLength: 60 },
    ),
  })
  .map(({ hasImport, hasExport, steps }) => {
    let tsMs = baseMs
    let importWh = 1_000_000
    let exportWh = 500_000
    return steps.map(({ gapMs, powerW, oddity, glitch, gas, peakW }) => {
      tsMs += gapMs
      importWh += Math.max(0, Math.round((Math.max(powerW, 0) * gapMs) / 3_600_000)) + oddity
      exportWh += Math.round((Math.max(-powerW, 0) * gapMs) / 3_600_000)
      const hourMs = Math.floor(tsMs / 3_600_000) * 3_600_000
      return sampleAt(tsMs, {
        powerW,
        energyImportKwh: hasImport ? (importWh + glitch) / 1000 : null,
        energyExportKwh: hasExport ? exportWh / 1000 : null,
        external: gas
          ? [{ id: "g", kind: "gas_meter", ts: fromEpochMillis(hourMs), value: hourMs / 1e9, unit: "m3" }]
          : null,
        monthlyPowerPeakW: peakW,
        monthlyPowerPeakTs: peakW === null ? null : fromEpochMillis(hourMs - 2 * 86_400_000),
      })
    })
  })
