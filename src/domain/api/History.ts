import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { Frame, LocalDate } from "../Calendar.ts"
import { Series } from "../Views.ts"
import { ReadAuthorization } from "./Authorization.ts"
import { examples } from "./Example.ts"
import { Problems } from "./Problem.ts"
import { device } from "./Reading.ts"

const reply = {
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

export const history = HttpApiGroup.make("history")
  .add(
    HttpApiEndpoint.get("series", "/series")
      .setUrlParams(
        Schema.Struct({
          ...device,
          frame: Frame,
          at: Schema.optional(LocalDate).annotations({ description: "A local date inside the frame; today as a rule" }),
        }),
      )
      .addSuccess(Series)
      .annotate(OpenApi.Summary, "A day by hour, a week by day, a month by week, a year or all time by month")
      .annotate(
        OpenApi.Description,
        "Energies are the sums of quarter-hours, which come from the registers: days, months and years add up to the " +
          "watt-hour. Buckets begin at local boundaries; the first and the last are clipped to the frame.",
      )
      .annotate(OpenApi.Transform, examples({ reply })),
  )
  .addError(Problems.notFound)
  .addError(Problems.forbidden)
  .middleware(ReadAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "History, with a read token")
