import { Array as Arr, DateTime, Effect, Layer, Option, Order } from "effect"
import {
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
import { type Latest, Registry, Store } from "../../domain/ports/index.ts"
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
    sample: withReadings(data, sample),
    quarter,
    recentImportW: recentImportW(recent.map(windowSampleOf)),
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
  const starts = startsOf(data)
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
    const read = <A>(deviceId: DeviceId, from: (data: DeviceData) => A) =>
      Effect.sync(() => from(devices.get(deviceId) ?? emptyDevice()))
    return Store.of({
      ingest: (deviceId, batch) =>
        Effect.map(Effect.flatMap(registry.findDevice(deviceId), Effect.orDie), ({ zone }) => {
          const data = devices.get(deviceId) ?? emptyDevice()
          devices.set(deviceId, data)
          return ingestInto(data, DateTime.zoneUnsafeMakeNamed(zone), batch)
        }),
      revision: (deviceId) => read(deviceId, (data) => data.revision),
      latest: (deviceId, notAfter) => read(deviceId, (data) => latestOf(data, notAfter)),
      quarterHours: (deviceId, range) => read(deviceId, (data) => quarterHoursOf(data, range)),
      extent: (deviceId) => read(deviceId, extentOf),
      reportedPeak: (deviceId, month) => read(deviceId, ({ peaks }) => Option.fromNullable(peaks.get(month))),
      samples: (deviceId, { fromMs, toMs }) =>
        read(deviceId, (data) =>
          data.samples
            .slice(placeOf(data.samples, fromMs), placeOf(data.samples, toMs))
            .map((sample) => withReadings(data, sample)),
        ),
      powerCurve: (deviceId, range, bucket) =>
        read(deviceId, ({ samples }) => {
          const endMs = Math.ceil(range.toMs / curveBucketMs[bucket]) * curveBucketMs[bucket]
          const fromRange = samples.slice(placeOf(samples, range.fromMs), placeOf(samples, endMs))
          return powerCurve(fromRange, bucket).filter(({ startMs }) => startMs >= range.fromMs)
        }),
      meterChanges: (deviceId) => read(deviceId, ({ meters }) => meterChanges(Arr.sort(meters.values(), byTime))),
      check: Effect.void,
      description: "in memory",
    })
  }),
)
