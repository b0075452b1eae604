import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Devices } from "../Views.ts"
import { ReadAuthorization } from "./Authorization.ts"
import { examples } from "./Example.ts"

export const devices = HttpApiGroup.make("devices")
  .add(
    HttpApiEndpoint.get("list", "/devices")
      .addSuccess(Devices)
      .annotate(OpenApi.Summary, "The devices that the token sees")
      .annotate(
        OpenApi.Description,
        "Each with its name, the zone of its days and months, and where it is, as far as that decides its bill.",
      )
      .annotate(
        OpenApi.Transform,
        examples({
          reply: {
            devices: [
              {
                device_id: "home",
                name: "Home",
                timezone: "Europe/Brussels",
                country: "BE",
                grid_zone: "antwerpen",
              },
            ],
          },
        }),
      ),
  )
  .middleware(ReadAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "Meters at places, with a read token")
