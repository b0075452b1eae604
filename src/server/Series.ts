import { HttpApiBuilder } from "@effect/platform"
import { DateTime, Effect } from "effect"
import { P1Api } from "../domain/api/index.ts"
import {
  bucketOf,
  cutRange,
  type Device,
  type DeviceId,
  expandQuarterHours,
  foldSeries,
  type Frame,
  fromEpochMillis,
  type LocalDate,
  localDateOf,
  rangeOfFrame,
  Series,
  type SeriesPoint,
} from "../domain/index.ts"
import { Store } from "../domain/ports/index.ts"
import { cachedRead } from "./Answers.ts"
import { orUnavailable } from "./Problems.ts"
import { noSamplesYet, orNotFound, requestedDevice, zoneOf } from "./Readers.ts"

const pointView = (point: SeriesPoint): Series["series"][number] => ({
  bucket: fromEpochMillis(point.fromMs),
  avgPowerW: point.meanPowerW,
  maxPowerW: point.maxPowerW,
  energyImportKwh: point.energyImportWh / 1000,
  energyExportKwh: point.energyExportWh / 1000,
  peakQuarterW: point.peakQuarterW,
  coverage: point.coverage,
})

const rangeOf = (device: Device, frame: Frame, at: LocalDate | undefined) =>
  Effect.gen(function* () {
    const { extent } = yield* Store
    if (frame === "all") return yield* extent(device.deviceId).pipe(orUnavailable, orNotFound(noSamplesYet))
    const zone = yield* zoneOf(device)
    return rangeOfFrame(frame, at ?? localDateOf(yield* DateTime.now, zone), zone)
  })

const series = (requested: DeviceId | undefined, frame: Frame, at: LocalDate | undefined) =>
  Effect.gen(function* () {
    const device = yield* requestedDevice(requested)
    const { quarterHours } = yield* Store
    const zone = yield* zoneOf(device)
    const range = yield* rangeOf(device, frame, at)
    const stored = yield* orUnavailable(quarterHours(device.deviceId, range))
    const bucket = bucketOf(frame)
    const quarters = expandQuarterHours(stored, range.fromMs, range.toMs)
    const reply: Series = {
      deviceId: device.deviceId,
      frame,
      from: fromEpochMillis(range.fromMs),
      to: fromEpochMillis(range.toMs),
      timezone: device.zone,
      bucket,
      series: foldSeries(quarters, cutRange(range, bucket, zone)).map(pointView),
    }
    return reply
  })

/** `GET /v1/series`. */
export const layer = HttpApiBuilder.group(P1Api, "history", (handlers) =>
  handlers.handle("series", ({ urlParams }) =>
    cachedRead(Series, urlParams.device_id, series(urlParams.device_id, urlParams.frame, urlParams.at)),
  ),
)
