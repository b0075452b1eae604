import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { Realtime } from "../Views.ts"
import { ReadAuthorization } from "./Authorization.ts"
import { examples } from "./Example.ts"
import { Problems } from "./Problem.ts"
import { device } from "./Reading.ts"
import { realtimeStream } from "./RealtimeStream.ts"

const reply = {
  device_id: "home",
  ts: "2026-03-28T18:22:30.000Z",
  power_w: 2174,
  import_power_w: 2174,
  energy_import_kwh: 4321.018,
  energy_export_kwh: 12.5,
  tariff: 2,
  power_l1_w: 2174,
  power_l2_w: null,
  power_l3_w: null,
  voltage_l1_v: 231.2,
  voltage_l2_v: null,
  voltage_l3_v: null,
  current_l1_a: 9.4,
  current_l2_a: null,
  current_l3_a: null,
  quarter: {
    start: "2026-03-28T18:15:00.000Z",
    end: "2026-03-28T18:30:00.000Z",
    elapsed_s: 450,
    energy_import_kwh: 0.266,
    start_source: "register",
    average_w: 2128,
    certain_w: 1064,
    projected_w: 2151,
    allowance_w: 4184,
    meter_w: 1064,
    difference_w: 0,
    coverage: 1,
  },
  month: { month: "2026-03", peak_w: 3156, peak_ts: "2026-03-12T19:45:00.000Z", source: "meter" },
  age_s: 0.8,
  stale: false,
}

export const realtime = HttpApiGroup.make("realtime")
  .add(
    HttpApiEndpoint.get("latest", "/realtime")
      .setUrlParams(Schema.Struct(device))
      .addSuccess(Realtime)
      .annotate(OpenApi.Summary, "The latest sample, the running quarter-hour and the running month")
      .annotate(
        OpenApi.Description,
        "It never goes back: a backlog that arrives late does not turn it to an older sample. `stale` says that no " +
          "new sample came for 60 s.",
      )
      .annotate(OpenApi.Transform, examples({ reply })),
  )
  .add(realtimeStream)
  .addError(Problems.notFound)
  .addError(Problems.forbidden)
  .middleware(ReadAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "What the meter says now, with a read token")
