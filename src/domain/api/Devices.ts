import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Devices } from "../Views.ts"
import { ReadAuthorization } from "./Authorization.ts"

export const devices = HttpApiGroup.make("devices")
  .add(
    HttpApiEndpoint.get("list", "/devices")
      .addSuccess(Devices)
      .annotate(OpenApi.Summary, "The devices that the token sees"),
  )
  .middleware(ReadAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "Meters at places, with a read token")
