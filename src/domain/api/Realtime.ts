import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { Realtime } from "../Views.ts"
import { ReadAuthorization } from "./Authorization.ts"
import { Problems } from "./Problem.ts"
import { device } from "./Reading.ts"

export const realtime = HttpApiGroup.make("realtime")
  .add(
    HttpApiEndpoint.get("latest", "/realtime")
      .setUrlParams(Schema.Struct(device))
      .addSuccess(Realtime)
      .annotate(OpenApi.Summary, "The latest sample, the running quarter-hour and the running month"),
  )
  .addError(Problems.notFound)
  .addError(Problems.forbidden)
  .middleware(ReadAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "What the meter says now, with a read token")
