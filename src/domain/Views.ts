import { Schema } from "effect"
import { Bucket, Frame } from "./Calendar.ts"
import { DeviceId } from "./Device.ts"
import { Instant } from "./Instant.ts"
import { PeakSource } from "./MonthlyPeak.ts"
import { Method } from "./QuarterHour.ts"
import { Month } from "./Sample.ts"
import { SnakeStruct } from "./SnakeCase.ts"

const Watts = Schema.Number
const Kwh = Schema.Number

/** 0 to 1; six decimals are enough. */
const Share = Schema.transform(Schema.Number.annotations({ description: "0 to 1" }), Schema.Number, {
  strict: true,
  decode: (share) => share,
  encode: (share) => Math.round(share * 1_000_000) / 1_000_000,
})
const orNull = Schema.NullOr

/** `quarter` of the realtime document: the running quarter-hour. */
export const QuarterView = SnakeStruct({
  start: Instant,
  end: Instant,
  elapsedS: Schema.Number,
  energyImportKwh: Kwh,
  averageW: Watts.annotations({ description: "Energy so far over the time so far" }),
  certainW: Watts.annotations({ description: "Energy so far over 900 s: the quarter-hour cannot end below it" }),
  projectedW: Watts.annotations({ description: "What it ends at if the mean of the last 60 s goes on" }),
  allowanceW: Watts.annotations({
    description: "Import that may run for the rest without passing the monthly peak so far, or 2,500 W",
  }),
  coverage: Share,
}).annotations({ identifier: "RunningQuarter" })

export const MonthView = SnakeStruct({
  month: Month,
  peakW: orNull(Watts),
  peakTs: orNull(Instant).annotations({ description: "The end of the quarter-hour that set the peak" }),
  source: orNull(PeakSource),
}).annotations({ identifier: "RunningMonth" })

const stateFields = {
  deviceId: DeviceId,
  ts: Instant,
  powerW: Watts,
  importPowerW: Watts,
  energyImportKwh: orNull(Kwh),
  energyExportKwh: orNull(Kwh),
  tariff: orNull(Schema.Number),
  powerL1W: orNull(Watts),
  powerL2W: orNull(Watts),
  powerL3W: orNull(Watts),
  voltageL1V: orNull(Schema.Number),
  voltageL2V: orNull(Schema.Number),
  voltageL3V: orNull(Schema.Number),
  currentL1A: orNull(Schema.Number),
  currentL2A: orNull(Schema.Number),
  currentL3A: orNull(Schema.Number),
  quarter: QuarterView,
  month: MonthView,
} as const

/** The latest of a device, as it is cached: without what depends on when it is read. */
export const RealtimeState = SnakeStruct(stateFields)
export type RealtimeState = typeof RealtimeState.Type

/** Reply of `GET /v1/realtime`. */
export const Realtime = SnakeStruct({
  ...stateFields,
  ageS: Schema.Number,
  stale: Schema.Boolean.annotations({ description: "No new sample for 60 s" }),
}).annotations({ identifier: "Realtime" })
export type Realtime = typeof Realtime.Type

/** A quarter-hour as a candidate for the monthly peak; `bucket` is its start. */
export const PeakView = SnakeStruct({
  bucket: Instant,
  avgPowerW: Watts,
  lowW: Watts,
  highW: orNull(Watts),
  energyImportKwh: Kwh,
  coverage: Share,
  method: Method,
  eligible: Schema.Boolean,
}).annotations({ identifier: "QuarterHourPeak" })

/** Reply of `GET /v1/capacity/month/{month}`. */
export const CapacityMonth = SnakeStruct({
  deviceId: DeviceId,
  month: Month,
  timezone: Schema.String,
  status: Schema.Literal("running", "closed"),
  monthlyPeakW: orNull(Watts),
  monthlyPeakTs: orNull(Instant),
  source: orNull(PeakSource),
  final: Schema.Boolean,
  meterPeakW: orNull(Watts),
  meterPeakTs: orNull(Instant),
  computedPeakW: orNull(Watts),
  computedPeakTs: orNull(Instant),
  differenceW: orNull(Watts).annotations({ description: "What the meter says less what was computed" }),
  billedPeakW: orNull(Watts).annotations({ description: "The monthly peak, at least 2,500 W" }),
  coverage: Share,
  peaks: Schema.Array(PeakView),
}).annotations({ identifier: "CapacityMonth" })
export type CapacityMonth = typeof CapacityMonth.Type

export const SeriesPointView = SnakeStruct({
  bucket: Instant,
  avgPowerW: orNull(Watts).annotations({ description: "Import less export" }),
  maxPowerW: orNull(Watts),
  energyImportKwh: Kwh,
  energyExportKwh: Kwh,
  peakQuarterW: orNull(Watts).annotations({ description: "The highest quarter-hour that may set a monthly peak" }),
  coverage: Share,
}).annotations({ identifier: "SeriesPoint" })

/** Reply of `GET /v1/series`. */
export const Series = SnakeStruct({
  deviceId: DeviceId,
  frame: Frame,
  from: Instant,
  to: Instant,
  timezone: Schema.String,
  bucket: Bucket,
  series: Schema.Array(SeriesPointView),
}).annotations({ identifier: "Series" })
export type Series = typeof Series.Type

export const DeviceView = SnakeStruct({
  deviceId: DeviceId,
  name: Schema.String.annotations({ description: "Its name for people" }),
  timezone: Schema.String.annotations({ description: "The IANA zone of its days and months" }),
}).annotations({ identifier: "Device" })

/** Reply of `GET /v1/devices`. */
export const Devices = SnakeStruct({ devices: Schema.Array(DeviceView) }).annotations({ identifier: "Devices" })
export type Devices = typeof Devices.Type
