import type { IngestBatch } from "../../src/domain/ports/index.ts"
import { fromEpochMillis, type Sample } from "../../src/domain/index.ts"
import { batchOf, sampleAt } from "../../test/support/Samples.ts"

/** A sample as a three-phase meter with two tariffs gives it. */
export const sample = (tsMs: number): Sample => {
  const second = Math.floor(tsMs / 1000)
  const powerW = 300 + ((second * 7919) % 2_500)
  const importWh = Math.floor(second / 3)
  return sampleAt(tsMs, {
    powerW,
    energyImportKwh: importWh / 1000,
    energyExportKwh: 1_234.567,
    energyImportT1Kwh: importWh / 2000,
    energyImportT2Kwh: importWh / 2000,
    energyExportT1Kwh: 617.3,
    energyExportT2Kwh: 617.267,
    tariff: 1,
    powerL1W: Math.floor(powerW / 3),
    powerL2W: Math.floor(powerW / 3),
    powerL3W: Math.floor(powerW / 3),
    voltageL1V: 230 + (second % 30) / 10,
    voltageL2V: 231 + (second % 20) / 10,
    voltageL3V: 229 + (second % 10) / 10,
    currentL1A: 1.5,
    currentL2A: 1.5,
    currentL3A: 1.5,
    averagePower15mW: 800,
    monthlyPowerPeakW: 3_210,
    monthlyPowerPeakTs: fromEpochMillis(Date.UTC(2026, 9, 3, 17)),
    receivedAt: fromEpochMillis(tsMs + 300),
    meterStamp: "261103170000W",
    tsSource: "meter",
  })
}

export const samplesFrom = (fromMs: number, count: number, stepMs: number): ReadonlyArray<Sample> =>
  Array.from({ length: count }, (_, i) => sample(fromMs + i * stepMs))

export const batch = (fromMs: number, count: number, stepMs: number): IngestBatch =>
  batchOf(samplesFrom(fromMs, count, stepMs))
