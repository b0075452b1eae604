import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { Month } from "../Sample.ts"
import { CapacityMonth } from "../Views.ts"
import { ReadAuthorization } from "./Authorization.ts"
import { Problems } from "./Problem.ts"
import { device } from "./Reading.ts"

export const capacity = HttpApiGroup.make("capacity")
  .add(
    HttpApiEndpoint.get("month", "/capacity/month/:month")
      .setPath(Schema.Struct({ month: Month }))
      .setUrlParams(
        Schema.Struct({
          ...device,
          top: Schema.optionalWith(Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 100)), {
            default: () => 10,
          }).annotations({ description: "How many of the highest quarter-hours to list, 1 to 100; 10 as a rule" }),
        }),
      )
      .addSuccess(CapacityMonth)
      .annotate(OpenApi.Summary, "A month's peak and its highest quarter-hours"),
  )
  .addError(Problems.notFound)
  .addError(Problems.forbidden)
  .middleware(ReadAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "Peaks for the capacity tariff, with a read token")
