import { HttpApiEndpoint, HttpApiSchema, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { device } from "./Reading.ts"

export const realtimeStream = HttpApiEndpoint.get("stream", "/realtime/stream")
  .setUrlParams(Schema.Struct(device))
  .addSuccess(
    HttpApiSchema.Text({ contentType: "text/event-stream" }).annotations({
      description: "Events named realtime, each with the document of GET /v1/realtime as its data",
    }),
  )
  .annotate(OpenApi.Summary, "The same for every new sample, as Server-Sent Events")
  .annotate(
    OpenApi.Description,
    "The current document comes first, then one for every new sample; a reader that is too slow misses the older " +
      "ones. An event's id is the device's revision and only rises; sent as Last-Event-ID, a document that was seen is " +
      "not sent again. A comment comes every 15 s. The stream ends when the server does or the token is revoked: " +
      "connect again. Read it with fetch, which can send the token as a header.",
  )
