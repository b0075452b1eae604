import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { Frame, LocalDate } from "../Calendar.ts"
import { Series } from "../Views.ts"
import { ReadAuthorization } from "./Authorization.ts"
import { Problems } from "./Problem.ts"
import { device } from "./Reading.ts"

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
      .annotate(OpenApi.Summary, "A day by hour, a week by day, a month by week, a year or all time by month"),
  )
  .addError(Problems.notFound)
  .addError(Problems.forbidden)
  .middleware(ReadAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "History, with a read token")
