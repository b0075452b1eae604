import { Schema } from "effect"
import { Bucket, Frame } from "./Calendar.ts"
import { DeviceId } from "./Device.ts"
import { Instant } from "./Instant.ts"
import { Method } from "./QuarterHour.ts"
import { SnakeStruct } from "./SnakeCase.ts"
import { Kwh, orNull, Share, Watts } from "./Units.ts"

export const SeriesPointView = SnakeStruct({
  bucket: Instant,
  avgPowerW: orNull(Watts).annotations({ description: "Import less export" }),
  maxPowerW: orNull(Watts),
  energyImportKwh: Kwh,
  energyExportKwh: Kwh,
  peakQuarterW: orNull(Watts).annotations({ description: "The highest quarter-hour that may set a monthly peak" }),
  coverage: Share,
}).annotations({ identifier: "SeriesPoint" })
export type SeriesPointView = typeof SeriesPointView.Type

/** A minute of the power curve: watts and volts as the meter gave them. */
export const CurvePointView = SnakeStruct({
  bucket: Instant,
  avgPowerW: Watts,
  minPowerW: Watts,
  maxPowerW: Watts,
  sampleCount: Schema.Number,
  powerL1W: orNull(Watts),
  powerL2W: orNull(Watts),
  powerL3W: orNull(Watts),
  minVoltageL1V: orNull(Schema.Number),
  minVoltageL2V: orNull(Schema.Number),
  minVoltageL3V: orNull(Schema.Number),
  maxVoltageL1V: orNull(Schema.Number),
  maxVoltageL2V: orNull(Schema.Number),
  maxVoltageL3V: orNull(Schema.Number),
}).annotations({ identifier: "CurvePoint" })
export type CurvePointView = typeof CurvePointView.Type

/** What a sub-meter counted, in its unit. */
export const MeterPointView = SnakeStruct({ bucket: Instant, used: Schema.Number }).annotations({
  identifier: "MeterPoint",
})
export type MeterPointView = typeof MeterPointView.Type

const seriesFields = {
  deviceId: DeviceId,
  frame: orNull(Frame),
  from: Instant,
  to: Instant,
  timezone: Schema.String,
  bucket: Bucket,
} as const

export const EnergySeries = SnakeStruct({
  kind: Schema.Literal("energy"),
  ...seriesFields,
  series: Schema.Array(SeriesPointView),
}).annotations({ identifier: "EnergySeries" })

/** The power curve, by minute. */
export const PowerSeries = SnakeStruct({
  kind: Schema.Literal("power"),
  ...seriesFields,
  series: Schema.Array(CurvePointView),
}).annotations({ identifier: "PowerSeries" })

/** What a sub-meter counted, in its unit. */
export const MeterSeries = SnakeStruct({
  kind: Schema.Literal("meter"),
  ...seriesFields,
  meter: Schema.String,
  unit: orNull(Schema.String),
  series: Schema.Array(MeterPointView),
}).annotations({ identifier: "MeterSeries" })

/** Reply of `GET /v1/series`. */
export const Series = Schema.Union(EnergySeries, PowerSeries, MeterSeries).annotations({ identifier: "Series" })
export type Series = typeof Series.Type

export const QuarterHourRow = SnakeStruct({
  start: Instant,
  avgPowerW: Watts.annotations({ description: "Import" }),
  lowW: Watts,
  highW: orNull(Watts),
  maxPowerW: orNull(Watts),
  energyImportKwh: Kwh,
  energyExportKwh: Kwh,
  coverage: Share,
  method: Method,
  eligible: Schema.Boolean.annotations({ description: "Whether it may set the monthly peak" }),
}).annotations({ identifier: "QuarterHour" })
export type QuarterHourRow = typeof QuarterHourRow.Type

/** Reply of `GET /v1/quarters`. */
export const QuarterHours = SnakeStruct({
  deviceId: DeviceId,
  from: Instant,
  to: Instant,
  timezone: Schema.String,
  quarters: Schema.Array(QuarterHourRow),
}).annotations({ identifier: "QuarterHours" })
export type QuarterHours = typeof QuarterHours.Type
