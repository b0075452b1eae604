import { Array as Arr, DateTime, Effect, Layer, Option, Order } from "effect"
import {
  condense,
  curveBucketMs,
  type DeviceId,
  type Instant,
  meterChanges,
  type MeterInfo,
  powerCurve,
  quarterHourMs,
  quarterStartMs,
  type Range,
  recentImportW,
  recentMs,
  type Sample,
} from "../../domain/index.ts"
import { DeviceUnknown, type Latest, Registry, Store } from "../../domain/ports/index.ts"
import {
  importedOf,
  importInto,
  manualPeaksOf,
  meterReadingsOf,
  reportedPeaksOf,
  setManualPeakIn,
  setPlaceIn,
} from "./Bills.ts"
import { type DeviceData, emptyDevice, ingestInto, placeOf, windowSampleOf } from "./DeviceData.ts"

const byNumber = Order.number
const byTime = Order.mapInput(byNumber, ({ ts }: MeterInfo) => ts.epochMillis)

const withReadings = (data: DeviceData, sample: Sample): Sample => {
  const external = [...data.readings.values()]
    .filter(({ sampleTs }) => sampleTs.epochMillis === sample.ts.epochMillis)
    .map(({ sampleTs: _, ...reading }) => reading)
    .sort((a, b) => (JSON.stringify([a.kind, a.id, a.ts]) < JSON.stringify([b.kind, b.id, b.ts]) ? -1 : 1))
  return external.length === 0 ? sample : { ...sample, external }
}

const latestOf = (data: DeviceData, notAfter: Instant): Option.Option<Latest> => {
  const samples = data.samples.slice(0, placeOf(data.samples, notAfter.epochMillis + 1))
  const sample = samples.at(-1)
  const quarter = sample && data.quarters.get(quarterStartMs(sample.ts.epochMillis))
  if (sample === undefined || quarter === undefined) return Option.none()
  const recent = samples.slice(placeOf(samples, sample.ts.epochMillis - recentMs))
  return Option.some({
    revision: data.revision,
    pastRevision: data.revision,
    sample: withReadings(data, sample),
    quarter,
    recentImportW: recentImportW(recent.map(windowSampleOf)),
    reported: reportedPeaksOf(data),
  })
}

const startsOf = (data: DeviceData): ReadonlyArray<number> => Arr.sort(data.quarters.keys(), byNumber)

const quarterHoursOf = (data: DeviceData, { fromMs, toMs }: Range) => {
  const starts = startsOf(data)
  const before = starts.findLast((startMs) => startMs < fromMs)
  const after = starts.find((startMs) => startMs >= Math.max(fromMs, toMs))
  return [before, ...starts.filter((startMs) => startMs >= fromMs && startMs < toMs), after].flatMap((startMs) => {
    const quarter = startMs === undefined ? undefined : data.quarters.get(startMs)
    return quarter === undefined ? [] : [quarter]
  })
}

const extentOf = (data: DeviceData): Option.Option<Range> => {
  const starts = Arr.sort([...startsOf(data), ...data.imported.keys()], byNumber)
  return Option.all({
    fromMs: Arr.head(starts),
    toMs: Option.map(Arr.last(starts), (startMs) => startMs + quarterHourMs),
  })
}

/** Samples of one process, gone with it; of the devices that the registry knows. */
export const layer: Layer.Layer<Store, never, Registry> = Layer.effect(
  Store,
  Effect.map(Registry, (registry) => {
    const devices = new Map<DeviceId, DeviceData>()
    const dataOf = (deviceId: DeviceId): DeviceData => {
      const data = devices.get(deviceId) ?? emptyDevice()
      devices.set(deviceId, data)
      return data
    }
    const read = <A>(deviceId: DeviceId, from: (data: DeviceData) => A) => Effect.sync(() => from(dataOf(deviceId)))
    return Store.of({
      ingest: (deviceId, batch) =>
        Effect.flatMap(
          registry.findDevice(deviceId),
          Option.match({
            onNone: () => new DeviceUnknown({ deviceId }),
            onSome: ({ zone }) =>
              Effect.sync(() => ingestInto(dataOf(deviceId), DateTime.zoneUnsafeMakeNamed(zone), batch)),
          }),
        ),
      revision: (deviceId) => read(deviceId, (data) => data.revision),
      latest: (deviceId, notAfter) => read(deviceId, (data) => latestOf(data, notAfter)),
      quarterHours: (deviceId, range) => read(deviceId, (data) => quarterHoursOf(data, range)),
      condensed: (deviceId, pieces) =>
        read(deviceId, (data) => {
          const range = { fromMs: pieces[0]?.fromMs ?? 0, toMs: pieces.at(-1)?.toMs ?? 0 }
          return condense(quarterHoursOf(data, range), pieces, data.imported.size > 0)
        }),
      extent: (deviceId) => read(deviceId, extentOf),
      reportedPeak: (deviceId, month) => read(deviceId, ({ peaks }) => Option.fromNullable(peaks.get(month))),
      place: (deviceId) => read(deviceId, ({ place }) => place),
      setPlace: (deviceId, place) => read(deviceId, (data) => setPlaceIn(data, place)),
      reportedPeaks: (deviceId) => read(deviceId, reportedPeaksOf),
      manualPeaks: (deviceId) => read(deviceId, manualPeaksOf),
      setManualPeak: (deviceId, month, peakW) => read(deviceId, (data) => setManualPeakIn(data, month, peakW)),
      importedQuarters: (deviceId, range) => read(deviceId, (data) => importedOf(data, range)),
      importQuarters: (deviceId, quarters) => read(deviceId, (data) => importInto(data, quarters)),
      meterReadings: (deviceId, meterId, range) => read(deviceId, (data) => meterReadingsOf(data, meterId, range)),
      samples: (deviceId, { fromMs, toMs }, limit = Infinity) =>
        read(deviceId, (data) =>
          data.samples
            .slice(placeOf(data.samples, fromMs), placeOf(data.samples, toMs))
            .slice(0, limit)
            .map((sample) => withReadings(data, sample)),
        ),
      powerCurve: (deviceId, range, bucket) =>
        read(deviceId, ({ samples }) => {
          const endMs = Math.ceil(range.toMs / curveBucketMs[bucket]) * curveBucketMs[bucket]
          const fromRange = samples.slice(placeOf(samples, range.fromMs), placeOf(samples, endMs))
          return powerCurve(fromRange, bucket).filter(({ startMs }) => startMs >= range.fromMs)
        }),
      curvesLack: Effect.succeed(""),
      meterChanges: (deviceId) => read(deviceId, ({ meters }) => meterChanges(Arr.sort(meters.values(), byTime))),
      check: Effect.void,
      description: "in memory",
    })
  }),
)
