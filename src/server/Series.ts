import { HttpApiBuilder } from "@effect/platform"
import { Effect } from "effect"
import { P1Api } from "../domain/api/index.ts"
import {
  cutRange,
  type Device,
  type DeviceId,
  foldSeries,
  fromEpochMillis,
  meterSeries,
  type PowerPoint,
  QuarterHours,
  Series,
  type SeriesPoint,
} from "../domain/index.ts"
import { Store } from "../domain/ports/index.ts"
import { cachedRead } from "./CachedRead.ts"
import { csvWhereAccepted } from "./CsvReply.ts"
import { orUnavailable } from "./Problems.ts"
import { quarterHours } from "./QuarterHours.ts"
import { condensedQuartersOf, quartersOf } from "./Quarters.ts"
import { requestedDevice, zoneOf } from "./Readers.ts"
import { type SeriesQuery, seriesRange } from "./SeriesRange.ts"

const energyPoint = (point: SeriesPoint) => ({
  bucket: fromEpochMillis(point.fromMs),
  avgPowerW: point.meanPowerW,
  maxPowerW: point.maxPowerW,
  energyImportKwh: point.energyImportWh / 1000,
  energyExportKwh: point.energyExportWh / 1000,
  peakQuarterW: point.peakQuarterW,
  coverage: point.coverage,
})

const whole = (watts: number | null): number | null => (watts === null ? null : Math.round(watts))

const curvePoint = ({ phases: [l1, l2, l3], ...point }: PowerPoint) => ({
  bucket: fromEpochMillis(point.startMs),
  avgPowerW: Math.round(point.meanPowerW),
  minPowerW: point.minPowerW,
  maxPowerW: point.maxPowerW,
  sampleCount: point.sampleCount,
  powerL1W: whole(l1.meanPowerW),
  powerL2W: whole(l2.meanPowerW),
  powerL3W: whole(l3.meanPowerW),
  minVoltageL1V: l1.minVoltageV,
  minVoltageL2V: l2.minVoltageV,
  minVoltageL3V: l3.minVoltageV,
  maxVoltageL1V: l1.maxVoltageV,
  maxVoltageL2V: l2.maxVoltageV,
  maxVoltageL3V: l3.maxVoltageV,
})

type Asked = Effect.Effect.Success<ReturnType<typeof seriesRange>>

const pointsOf = (device: Device, { bucket, range }: Asked, meter: string | undefined) =>
  Effect.gen(function* () {
    const store = yield* Store
    const zone = yield* zoneOf(device)
    if (meter !== undefined) {
      const readings = yield* orUnavailable(store.meterReadings(device.deviceId, meter, range))
      const series = meterSeries(readings, cutRange(range, bucket, zone)).map(({ fromMs, used }) => ({
        bucket: fromEpochMillis(fromMs),
        used,
      }))
      return { kind: "meter" as const, meter, unit: readings[0]?.unit ?? null, series }
    }
    if (bucket === "minute") {
      const curve = yield* orUnavailable(store.powerCurve(device.deviceId, range, bucket))
      return { kind: "power" as const, series: curve.map(curvePoint) }
    }
    const pieces = cutRange(range, bucket, zone)
    const { quarters, stretches } = yield* orUnavailable(
      bucket === "15m" || bucket === "hour"
        ? quartersOf(device.deviceId, range)
        : condensedQuartersOf(device.deviceId, pieces),
    )
    return { kind: "energy" as const, series: foldSeries(quarters, pieces, stretches).map(energyPoint) }
  })

const series = (requested: DeviceId | undefined, query: SeriesQuery, meter: string | undefined) =>
  Effect.gen(function* () {
    const device = yield* requestedDevice(requested)
    const asked = yield* seriesRange(device, query)
    const reply: Series = {
      deviceId: device.deviceId,
      frame: query.frame ?? null,
      from: fromEpochMillis(asked.range.fromMs),
      to: fromEpochMillis(asked.range.toMs),
      timezone: device.zone,
      bucket: asked.bucket,
      ...(yield* pointsOf(device, asked, meter)),
    }
    return yield* csvWhereAccepted(reply, Series, "series")
  })

const curvesLack = Effect.flatMap(Store, (store) => store.curvesLack)

/** `GET /v1/series` and `GET /v1/quarters`. */
export const layer = HttpApiBuilder.group(P1Api, "history", (handlers) =>
  handlers
    .handle("series", ({ urlParams: { device_id, meter, ...query } }) =>
      cachedRead(
        Series,
        device_id,
        series(device_id, query, meter),
        query.bucket === "minute" ? curvesLack : undefined,
      ),
    )
    .handle("quarters", ({ urlParams: { device_id, from, to } }) =>
      cachedRead(QuarterHours, device_id, quarterHours(device_id, from, to)),
    ),
)
