import type { MeterInfo, Sample } from "../../src/domain/index.ts"
import { fullSample, meterAt, sampleAt as plainSampleAt } from "../support/Samples.ts"

const startMs = Date.parse("2026-07-15T10:00:00Z")

/** The sample of second `n`, with a value in every field. */
export const sampleAt = (n: number): Sample => ({
  ...fullSample(startMs + n * 1000),
  powerW: 1000 + n,
  energyImportKwh: 12_345.678 + n,
  meterStamp: `2026-07-15T12:00:${n}`,
})

/** The same with nothing but what every sample has. */
export const bareSampleAt = (n: number): Sample => plainSampleAt(startMs + n * 1000, { powerW: 1000 + n })

export const meterOf = (firmwareVersion: string): MeterInfo =>
  meterAt(startMs, { firmwareVersion, model: 'ISKRA  2M550T-101 "x"' })
