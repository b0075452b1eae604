import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { Bucket, Frame, LocalDate, Moment } from "../Calendar.ts"
import { QuarterHours, Series } from "../HistoryViews.ts"
import { ReadAuthorization } from "./Authorization.ts"
import { examples } from "./Example.ts"
import { Problems } from "./Problem.ts"
import { device } from "./Reading.ts"

const reply = {
  kind: "energy",
  device_id: "home",
  frame: "day",
  from: "2026-03-27T23:00:00.000Z",
  to: "2026-03-28T23:00:00.000Z",
  timezone: "Europe/Brussels",
  bucket: "hour",
  series: [
    {
      bucket: "2026-03-27T23:00:00.000Z",
      avg_power_w: 412,
      max_power_w: 1870,
      energy_import_kwh: 0.412,
      energy_export_kwh: 0,
      peak_quarter_w: 640,
      coverage: 1,
    },
  ],
}

const quarters = {
  device_id: "home",
  from: "2026-03-12T19:30:00.000Z",
  to: "2026-03-12T19:45:00.000Z",
  timezone: "Europe/Brussels",
  quarters: [
    {
      start: "2026-03-12T19:30:00.000Z",
      avg_power_w: 3152,
      low_w: 3152,
      high_w: 3156,
      max_power_w: 4210,
      energy_import_kwh: 0.788,
      energy_export_kwh: 0,
      coverage: 1,
      method: "register",
      eligible: true,
    },
  ],
}

export const history = HttpApiGroup.make("history")
  .add(
    HttpApiEndpoint.get("series", "/series")
      .setUrlParams(
        Schema.Struct({
          ...device,
          frame: Schema.optional(Frame).annotations({
            description: "A day by hour, a week by day, a month by week, a year or all time by month",
          }),
          at: Schema.optional(LocalDate).annotations({ description: "A local date inside the frame; today as a rule" }),
          from: Schema.optional(Moment).annotations({ description: "Instead of a frame: the beginning" }),
          to: Schema.optional(Moment).annotations({ description: "The end, itself not included; now as a rule" }),
          bucket: Schema.optional(Bucket).annotations({
            description: "What one point stands for; minute gives the power curve, of two days at most",
          }),
          meter: Schema.optional(Schema.NonEmptyString.annotations({ examples: ["G1234567"] })).annotations({
            description: "The id of a sub-meter, for what that counted",
          }),
        }),
      )
      .addSuccess(Series)
      .annotate(OpenApi.Summary, "Energy and power over time; of a sub-meter with `meter`; CSV where it is accepted")
      .annotate(
        OpenApi.Description,
        "Energies are the sums of quarter-hours, which come from the registers: days, months and years add up to the " +
          "watt-hour. Buckets begin at local boundaries; the first and the last are clipped to the frame.",
      )
      .annotate(OpenApi.Transform, examples({ reply, csv: true })),
  )
  .add(
    HttpApiEndpoint.get("quarters", "/quarters")
      .setUrlParams(
        Schema.Struct({
          ...device,
          from: Schema.propertySignature(Moment).annotations({ description: "The beginning" }),
          to: Schema.optional(Moment).annotations({ description: "The end, itself not included; now as a rule" }),
        }),
      )
      .addSuccess(QuarterHours)
      .annotate(OpenApi.Summary, "Every quarter-hour of a range, at most 400 days; CSV where it is accepted")
      .annotate(
        OpenApi.Description,
        "Energy comes from the registers at its edges; `low_w` and `high_w` bound it for certain. `method` says how " +
          "it is known: by registers, by power, as a share of a gap, or imported.",
      )
      .annotate(OpenApi.Transform, examples({ reply: quarters, csv: true })),
  )
  .addError(Problems.notFound)
  .addError(Problems.forbidden)
  .middleware(ReadAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "History, with a read token")
