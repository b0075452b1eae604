import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { Month } from "../Sample.ts"
import { CapacityMonth } from "../Views.ts"
import { ReadAuthorization } from "./Authorization.ts"
import { examples } from "./Example.ts"
import { Problems } from "./Problem.ts"
import { device } from "./Reading.ts"

const Top = Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 100)).annotations({
  jsonSchema: { type: "integer", minimum: 1, maximum: 100, default: 10 },
})

const reply = {
  device_id: "home",
  month: "2026-03",
  timezone: "Europe/Brussels",
  status: "closed",
  monthly_peak_w: 3156,
  monthly_peak_ts: "2026-03-12T19:45:00.000Z",
  source: "meter",
  final: true,
  meter_peak_w: 3156,
  meter_peak_ts: "2026-03-12T19:45:00.000Z",
  computed_peak_w: 3152,
  computed_peak_ts: "2026-03-12T19:45:00.000Z",
  difference_w: 4,
  billed_peak_w: 3156,
  coverage: 0.999,
  peaks: [
    {
      bucket: "2026-03-12T19:30:00.000Z",
      avg_power_w: 3152,
      low_w: 3152,
      high_w: 3156,
      energy_import_kwh: 0.788,
      coverage: 1,
      method: "register",
      eligible: true,
    },
  ],
}

export const capacity = HttpApiGroup.make("capacity")
  .add(
    HttpApiEndpoint.get("month", "/capacity/month/:month")
      .setPath(Schema.Struct({ month: Month }))
      .setUrlParams(
        Schema.Struct({
          ...device,
          top: Schema.optionalWith(Top, { default: () => 10 }).annotations({
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
  .addError(Problems.notFound)
  .addError(Problems.forbidden)
  .middleware(ReadAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "Peaks for the capacity tariff, with a read token")
