import { Effect } from "effect"
import {
  type DeviceId,
  fromEpochMillis,
  type Moment,
  type QuarterHourRow,
  QuarterHours,
  quarterPowerW,
  type QuarterHourView,
} from "../domain/index.ts"
import { csvWhereAccepted } from "./CsvReply.ts"
import { orUnavailable } from "./Problems.ts"
import { quartersOf } from "./Quarters.ts"
import { requestedDevice } from "./Readers.ts"
import { rangeBetween } from "./SeriesRange.ts"

const maxDays = 400

const rowOf = (quarter: QuarterHourView): QuarterHourRow => ({
  start: fromEpochMillis(quarter.startMs),
  avgPowerW: quarterPowerW(quarter.energyImportWh),
  lowW: quarterPowerW(quarter.lowWh),
  highW: quarter.highWh === null ? null : quarterPowerW(quarter.highWh),
  maxPowerW: quarter.maxPowerW,
  energyImportKwh: quarter.energyImportWh / 1000,
  energyExportKwh: quarter.energyExportWh / 1000,
  coverage: quarter.coverage,
  method: quarter.method,
  eligible: quarter.eligible,
})

/** Reply of `GET /v1/quarters`: every quarter-hour that is known of a range. */
export const quarterHours = (requested: DeviceId | undefined, from: Moment, to: Moment | undefined) =>
  Effect.gen(function* () {
    const device = yield* requestedDevice(requested)
    const range = yield* rangeBetween(device, from, to, maxDays * 86_400_000)
    const { quarters } = yield* orUnavailable(quartersOf(device.deviceId, range))
    const reply: QuarterHours = {
      deviceId: device.deviceId,
      from: fromEpochMillis(range.fromMs),
      to: fromEpochMillis(range.toMs),
      timezone: device.zone,
      quarters: quarters.map(rowOf),
    }
    return yield* csvWhereAccepted(reply, QuarterHours, "quarters")
  })
