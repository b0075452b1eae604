import { Schema } from "effect"
import { DeviceId } from "./Device.ts"
import { Instant } from "./Instant.ts"
import { PeakSource } from "./MonthlyPeak.ts"
import { Country, GridZone } from "./Region.ts"
import { StartSource } from "./RunningQuarter.ts"
import { Month } from "./Sample.ts"
import { SnakeStruct } from "./SnakeCase.ts"
import { Kwh, orNull, Share, Watts } from "./Units.ts"

/** `quarter` of the realtime document: the running quarter-hour. */
export const QuarterView = SnakeStruct({
  start: Instant,
  end: Instant,
  elapsedS: Schema.Number,
  energyImportKwh: Kwh,
  startSource: StartSource.annotations({ description: "How the energy before its first sample is known" }),
  averageW: Watts.annotations({ description: "Energy so far over the time so far" }),
  certainW: Watts.annotations({ description: "Energy so far over 900 s: the quarter-hour cannot end below it" }),
  projectedW: Watts.annotations({ description: "What it ends at if the mean of the last 60 s goes on" }),
  allowanceW: Watts.annotations({
    description: "Import that may run for the rest without passing the monthly peak so far, or 2,500 W",
  }),
  meterW: orNull(Watts).annotations({ description: "The meter's own count of the energy so far, over 900 s" }),
  differenceW: orNull(Watts).annotations({ description: "What the meter says less what was computed, over 900 s" }),
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

export const DeviceView = SnakeStruct({
  deviceId: DeviceId,
  name: Schema.String.annotations({ description: "Its name for people" }),
  timezone: Schema.String.annotations({ description: "The IANA zone of its days and months" }),
  country: Country,
  gridZone: orNull(GridZone).annotations({ description: "Whose network tariff it pays; null: not told" }),
}).annotations({ identifier: "Device" })

/** Reply of `GET /v1/devices`. */
export const Devices = SnakeStruct({ devices: Schema.Array(DeviceView) }).annotations({ identifier: "Devices" })
export type Devices = typeof Devices.Type
