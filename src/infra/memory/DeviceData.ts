import { Array as Arr, type DateTime, Order } from "effect"
import {
  gatherFacts,
  latestReports,
  type MeterInfo,
  type Month,
  type QuarterHour,
  quarterHourMs,
  quarterHourOf,
  quarterStartMs,
  readingKey,
  type ReportedPeak,
  reportedPeaks,
  type Sample,
  sampleReadings,
  type SeenReading,
  storedPowerW,
  supersedes,
  type WindowSample,
} from "../../domain/index.ts"
import type { IngestBatch, IngestCounts } from "../../domain/ports/index.ts"

/** All that is known of one device. Samples are in order of time and without their sub-meters. */
export interface DeviceData {
  revision: number
  samples: ReadonlyArray<Sample>
  readonly quarters: Map<number, QuarterHour>
  readonly readings: Map<string, SeenReading>
  readonly meters: Map<number, MeterInfo>
  readonly peaks: Map<Month, ReportedPeak>
}

export const emptyDevice = (): DeviceData => ({
  revision: 0,
  samples: [],
  quarters: new Map(),
  readings: new Map(),
  meters: new Map(),
  peaks: new Map(),
})

const inOrder = Order.mapInput(Order.number, ({ ts }: Sample) => ts.epochMillis)
const asStored = (sample: Sample): Sample => ({ ...sample, powerW: storedPowerW(sample.powerW), external: null })
const valuesOf = (sample: Sample): string => JSON.stringify({ ...asStored(sample), receivedAt: null })

export const windowSampleOf = (sample: Sample): WindowSample => ({
  tsMs: sample.ts.epochMillis,
  powerW: sample.powerW,
  importKwh: sample.energyImportKwh,
  exportKwh: sample.energyExportKwh,
})

/** The first place in samples, in order of time, at or after an instant. */
export const placeOf = (samples: ReadonlyArray<Sample>, tsMs: number): number => {
  let low = 0
  let high = samples.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((samples[middle]?.ts.epochMillis ?? Infinity) < tsMs) low = middle + 1
    else high = middle
  }
  return low
}

/** The quarter-hours of new samples, and those that hold the samples next to them. */
const touchedBy = (samples: ReadonlyArray<Sample>, inserted: ReadonlyArray<Sample>): ReadonlySet<number> =>
  new Set(
    inserted.flatMap(({ ts }) => {
      const place = placeOf(samples, ts.epochMillis)
      return samples.slice(Math.max(0, place - 1), place + 2).map((near) => quarterStartMs(near.ts.epochMillis))
    }),
  )

const decide = (data: DeviceData, startMs: number): void => {
  const from = placeOf(data.samples, startMs)
  const to = placeOf(data.samples, startMs + quarterHourMs)
  const near = data.samples.slice(Math.max(0, from - 1), to + 1).map(windowSampleOf)
  const facts = gatherFacts(near, startMs)
  if (facts !== null) data.quarters.set(startMs, quarterHourOf(facts))
}

const keepReadings = (data: DeviceData, readings: ReadonlyArray<SeenReading>): boolean => {
  let changed = false
  for (const reading of readings) {
    const key = readingKey(reading)
    const known = data.readings.get(key)
    if (known !== undefined && known.sampleTs.epochMillis <= reading.sampleTs.epochMillis) continue
    data.readings.set(key, known === undefined ? reading : { ...known, sampleTs: reading.sampleTs })
    changed = true
  }
  return changed
}

const keepMeter = (data: DeviceData, meter: MeterInfo | null): boolean => {
  if (meter === null || data.meters.has(meter.ts.epochMillis)) return false
  data.meters.set(meter.ts.epochMillis, meter)
  return true
}

const keepPeaks = (data: DeviceData, peaks: ReadonlyArray<ReportedPeak>): boolean => {
  let changed = false
  for (const peak of peaks) {
    const known = data.peaks.get(peak.month)
    if (known !== undefined && !supersedes(peak, known)) continue
    data.peaks.set(peak.month, peak)
    changed ||= peak.peakW !== known?.peakW || peak.peakTs?.epochMillis !== known.peakTs?.epochMillis
  }
  return changed
}

/** Stores a batch at once: nothing else runs in between. */
export const ingestInto = (data: DeviceData, zone: DateTime.TimeZone, batch: IngestBatch): IngestCounts => {
  const samples = Arr.sort(batch.samples, inOrder)
  const known = new Map(data.samples.map((sample) => [sample.ts.epochMillis, sample]))
  const inserted: Array<Sample> = []
  const conflicting = new Set<Sample>()
  for (const sample of samples) {
    const first = known.get(sample.ts.epochMillis)
    if (first === undefined) {
      const stored = asStored(sample)
      known.set(sample.ts.epochMillis, stored)
      inserted.push(stored)
    } else if (valuesOf(first) !== valuesOf(sample)) conflicting.add(sample)
  }
  data.samples = Arr.sort(known.values(), inOrder)
  for (const startMs of touchedBy(data.samples, inserted)) decide(data, startMs)

  const readings = keepReadings(data, sampleReadings(samples))
  const meter = keepMeter(data, batch.meter)
  const reports = latestReports([
    ...reportedPeaks(
      samples.filter((sample) => !conflicting.has(sample)),
      zone,
    ),
    ...batch.meteredPeaks.map((peak) => ({ ...peak, reportedAtMs: batch.receivedAt.epochMillis })),
  ])
  const peaks = keepPeaks(data, reports)
  if (inserted.length > 0 || readings || meter || peaks) data.revision += 1
  return {
    inserted: inserted.length,
    duplicates: samples.length - inserted.length,
    conflicts: conflicting.size,
    revision: data.revision,
  }
}
