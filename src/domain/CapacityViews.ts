import { Schema } from "effect"
import { DeviceId } from "./Device.ts"
import { Instant } from "./Instant.ts"
import { LocalDate } from "./Calendar.ts"
import { PeakSource } from "./MonthlyPeak.ts"
import { Method } from "./QuarterHour.ts"
import { Country, FlemishZone, GridZone, Region } from "./Region.ts"
import { Month } from "./Sample.ts"
import { SnakeStruct } from "./SnakeCase.ts"
import { Euros, Kilowatts, Kwh, orNull, Share, Watts } from "./Units.ts"

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

const peakFields = {
  status: Schema.Literal("running", "closed"),
  monthlyPeakW: orNull(Watts),
  monthlyPeakTs: orNull(Instant).annotations({ description: "The end of the quarter-hour that set the peak" }),
  source: orNull(PeakSource),
  final: Schema.Boolean.annotations({ description: "It was typed, or read from the meter after the month's end" }),
  incomplete: Schema.Boolean.annotations({ description: "Too little of the month is known for it to be billed by" }),
  manualPeakW: orNull(Watts),
  meterPeakW: orNull(Watts),
  meterPeakTs: orNull(Instant),
  importPeakW: orNull(Watts).annotations({ description: "Of an import that covers the month" }),
  importPeakTs: orNull(Instant),
  computedPeakW: orNull(Watts),
  computedPeakTs: orNull(Instant),
  differenceW: orNull(Watts).annotations({ description: "What the meter says less what was computed" }),
  billedPeakW: orNull(Watts).annotations({ description: "The monthly peak, at least 2,500 W" }),
  coverage: Share,
} as const

/** Reply of `GET /v1/capacity/month/{month}`. */
export const CapacityMonth = SnakeStruct({
  deviceId: DeviceId,
  month: Month,
  timezone: Schema.String,
  ...peakFields,
  peaks: Schema.Array(PeakView),
}).annotations({ identifier: "CapacityMonth" })
export type CapacityMonth = typeof CapacityMonth.Type

export const BilledMonth = SnakeStruct({ month: Month, ...peakFields }).annotations({ identifier: "BilledMonth" })
export type BilledMonth = typeof BilledMonth.Type

const YearCost = SnakeStruct({
  meanPeakKw: Kilowatts,
  capacityEur: Euros,
  perKwhEur: orNull(Euros).annotations({ description: "The network's cost per kWh, for the year's import" }),
  ceilingEur: orNull(Euros).annotations({ description: "What both may not pass, by the maximum tariff" }),
  minimumEur: Euros.annotations({ description: "What is owed in any case, for 2.5 kW" }),
  totalEur: Euros.annotations({
    description: "Both, at most the ceiling and at least the minimum; capacity alone where the ceiling is not known",
  }),
  capped: Schema.Boolean,
  totalWithVatEur: Euros,
  monthWithVatEur: Euros,
}).annotations({ identifier: "YearCost", description: "Euros a year, without VAT where it does not say so" })

export const CapacityCosts = SnakeStruct({
  gridZone: FlemishZone,
  validFrom: LocalDate,
  validTo: LocalDate,
  eurPerKwYear: Euros,
  vatPercent: Schema.Number,
  toDate: orNull(YearCost).annotations({ description: "By billed_to_date_kw" }),
  projected: orNull(YearCost).annotations({ description: "By projected_kw" }),
}).annotations({ identifier: "CapacityCosts" })
export type CapacityCosts = typeof CapacityCosts.Type

/** Reply of `GET /v1/capacity`. */
export const Capacity = SnakeStruct({
  deviceId: DeviceId,
  timezone: Schema.String,
  country: Country,
  gridZone: orNull(GridZone),
  region: Region,
  months: Schema.Array(BilledMonth).annotations({ description: "12 closed months and the running one, oldest first" }),
  billedToDateKw: orNull(Kilowatts).annotations({
    description: "Mean of the last 12 closed months' peaks, each at least 2.5 kW, over those that are known",
  }),
  projectedKw: orNull(Kilowatts).annotations({ description: "The same of the running month and the 11 before it" }),
  importKwh: orNull(Kwh).annotations({
    description: "Import of a year, from the last 12 months; null: too little known",
  }),
  costs: orNull(CapacityCosts),
  withoutCosts: orNull(Schema.String).annotations({ description: "Why there are no costs" }),
}).annotations({ identifier: "Capacity" })
export type Capacity = typeof Capacity.Type
