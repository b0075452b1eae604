import { Array as Arr, type DateTime, Order } from "effect"
import {
  defaultPlace,
  doubtReachMs,
  gatherFacts,
  type ImportedQuarter,
  latestReports,
  type MeterInfo,
  type Month,
  type Place,
  type QuarterHour,
  quarterHourMs,
  quarterHourOf,
  quarterStartMs,
  readingKey,
  replacementsMs,
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
  place: Place
  samples: ReadonlyArray<Sample>
  readonly quarters: Map<number, QuarterHour>
  readonly readings: Map<string, SeenReading>
  readonly meters: Map<number, MeterInfo>
  readonly peaks: Map<Month, ReportedPeak>
  readonly manualPeaks: Map<Month, number>
  readonly imported: Map<number, ImportedQuarter>
}

export const emptyDevice = (): DeviceData => ({
  revision: 0,
  place: defaultPlace,
  samples: [],
  quarters: new Map(),
  readings: new Map(),
  meters: new Map(),
  peaks: new Map(),
  manualPeaks: new Map(),
  imported: new Map(),
})

const byTime = Order.mapInput(Order.number, ({ ts }: MeterInfo) => ts.epochMillis)
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

/** The quarter-hours of new samples, those that hold the samples next to them, and unsteady ones within reach. */
const touchedBy = ({ quarters, samples }: DeviceData, insertedMs: ReadonlyArray<number>): ReadonlySet<number> => {
  const touched = new Set(
    insertedMs.flatMap((tsMs) => {
      const place = placeOf(samples, tsMs)
      return samples.slice(Math.max(0, place - 1), place + 2).map((near) => quarterStartMs(near.ts.epochMillis))
    }),
  )
  for (const startMs of new Set(insertedMs.map(quarterStartMs))) {
    for (let nearMs = startMs - doubtReachMs; nearMs <= startMs + doubtReachMs; nearMs += quarterHourMs) {
      if (quarters.get(nearMs)?.steady === false) touched.add(nearMs)
    }
  }
  return touched
}

/** When another meter was first seen. */
const changesOf = ({ meters }: DeviceData): ReadonlyArray<number> => replacementsMs(Arr.sort(meters.values(), byTime))

/** Beside what a meter says, what is next: whether that is a change depends on what comes before. */
const meterAndNext = ({ meters }: DeviceData, meter: MeterInfo): ReadonlyArray<MeterInfo> => {
  const later = [...meters.values()].filter(
    ({ ts, uniqueId }) => uniqueId !== null && ts.epochMillis > meter.ts.epochMillis,
  )
  return [meter, ...Arr.sort(later, byTime).slice(0, 1)]
}

const decide = (data: DeviceData, startMs: number, changesMs: ReadonlyArray<number>): void => {
  const from = placeOf(data.samples, startMs - doubtReachMs)
  const to = placeOf(data.samples, startMs + quarterHourMs + doubtReachMs)
  const near = data.samples.slice(Math.max(0, from - 1), to + 1).map(windowSampleOf)
  const facts = gatherFacts(near, startMs, changesMs)
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

  const readings = keepReadings(data, sampleReadings(samples))
  const meter = keepMeter(data, batch.meter)
  const touchedMs = [...inserted, ...(meter && batch.meter ? meterAndNext(data, batch.meter) : [])].map(
    ({ ts }) => ts.epochMillis,
  )
  const changesMs = changesOf(data)
  for (const startMs of touchedBy(data, touchedMs)) decide(data, startMs, changesMs)
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
    expired: [],
    revision: data.revision,
  }
}
