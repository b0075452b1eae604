import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { Month } from "../Sample.ts"
import { Capacity, CapacityMonth } from "../CapacityViews.ts"
import { ReadAuthorization } from "./Authorization.ts"
import { examples } from "./Example.ts"
import { Problems } from "./Problem.ts"
import { device } from "./Reading.ts"

export const defaultTop = 10
const Top = Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 100)).annotations({
  jsonSchema: { type: "integer", minimum: 1, maximum: 100, default: defaultTop },
})

const peak = {
  status: "closed",
  monthly_peak_w: 3156,
  monthly_peak_ts: "2026-03-12T19:45:00.000Z",
  source: "meter",
  final: true,
  incomplete: false,
  manual_peak_w: null,
  import_peak_w: null,
  import_peak_ts: null,
  meter_peak_w: 3156,
  meter_peak_ts: "2026-03-12T19:45:00.000Z",
  computed_peak_w: 3152,
  computed_peak_ts: "2026-03-12T19:45:00.000Z",
  difference_w: 4,
  billed_peak_w: 3156,
  coverage: 0.999,
}

const reply = {
  device_id: "home",
  month: "2026-03",
  timezone: "Europe/Brussels",
  ...peak,
  peaks: [
    {
      bucket: "2026-03-12T19:30:00.000Z",
      avg_power_w: 3152,
      low_w: 3144,
      high_w: 3164,
      energy_import_kwh: 0.788,
      coverage: 1,
      method: "register",
      eligible: true,
    },
  ],
}
const { device_id, month, timezone } = reply
const yearCost = {
  mean_peak_kw: 3.156,
  capacity_eur: 155.92,
  per_kwh_eur: 176.75,
  ceiling_eur: 1146.66,
  minimum_eur: 123.51,
  total_eur: 332.67,
  capped: false,
  total_with_vat_eur: 352.63,
  month_with_vat_eur: 29.39,
}
const year = {
  device_id,
  timezone,
  country: "BE",
  grid_zone: "antwerpen",
  region: "flanders",
  months: [{ month, ...peak }],
  billed_to_date_kw: 3.156,
  projected_kw: 3.156,
  import_kwh: 3500,
  costs: {
    grid_zone: "antwerpen",
    valid_from: "2026-01-01",
    valid_to: "2026-12-31",
    eur_per_kw_year: 49.4036563,
    vat_percent: 6,
    to_date: yearCost,
    projected: yearCost,
  },
  without_costs: null,
}

export const residentialVatPercent = 6
const Vat = Schema.NumberFromString.pipe(Schema.between(0, 100)).annotations({
  jsonSchema: { type: "number", minimum: 0, maximum: 100, default: residentialVatPercent },
})

export const capacity = HttpApiGroup.make("capacity")
  .add(
    HttpApiEndpoint.get("month", "/capacity/month/:month")
      .setPath(Schema.Struct({ month: Month }))
      .setUrlParams(
        Schema.Struct({
          ...device,
          top: Schema.optional(Top).annotations({
            description: "How many of the highest quarter-hours to list, 1 to 100; 10 as a rule",
          }),
        }),
      )
      .addSuccess(CapacityMonth)
      .annotate(OpenApi.Summary, "A month's peak and its highest quarter-hours")
      .annotate(
        OpenApi.Description,
        "The peak as it is billed, who says so, and beside it what the meter says, what was computed from the " +
          "registers, and the difference.",
      )
      .annotate(OpenApi.Transform, examples({ reply })),
  )
  .add(
    HttpApiEndpoint.get("year", "/capacity")
      .setUrlParams(
        Schema.Struct({
          ...device,
          vat: Schema.optional(Vat).annotations({
            description: "Percent of VAT in the costs: 6 at home, as a rule; 21 for a business",
          }),
        }),
      )
      .addSuccess(Capacity)
      .annotate(OpenApi.Summary, "The last 12 months' peaks, their billed mean, and what that costs")
      .annotate(
        OpenApi.Description,
        "Each month counts with at least 2.5 kW; unknown and incomplete months are left out, never filled in. " +
          "`billed_to_date_kw` is of closed months, `projected_kw` of the running one and the 11 before it. Costs are " +
          "told in Flanders, for a device whose grid zone is set.",
      )
      .annotate(OpenApi.Transform, examples({ reply: year })),
  )
  .addError(Problems.notFound)
  .addError(Problems.forbidden)
  .middleware(ReadAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "Peaks for the capacity tariff, with a read token")
