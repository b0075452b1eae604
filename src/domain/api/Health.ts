import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"

const Alive = Schema.Struct({ status: Schema.Literal("ok") }).annotations({ identifier: "Alive" })
const Ready = Schema.Struct({
  status: Schema.Literal("ok"),
  store: Schema.String,
  cache: Schema.String,
}).annotations({ identifier: "Ready" })

export const health = HttpApiGroup.make("health")
  .add(HttpApiEndpoint.get("live", "/live").addSuccess(Alive).annotate(OpenApi.Summary, "The process answers"))
  .add(HttpApiEndpoint.get("ready", "/ready").addSuccess(Ready).annotate(OpenApi.Summary, "The store can be reached"))
  .prefix("/health")
  .annotate(OpenApi.Description, "For health checks; needs no token")
