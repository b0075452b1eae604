import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { examples } from "./Example.ts"

const Alive = Schema.Struct({
  status: Schema.Literal("ok", "ending").annotations({
    description: "ending: it still takes requests, and soon will not; proxies send new ones elsewhere",
  }),
}).annotations({ identifier: "Alive" })
const Ready = Schema.Struct({
  service: Schema.String.annotations({ description: "What answers" }),
  version: Schema.String.annotations({ description: "Its version" }),
  status: Schema.Literal("ok", "degraded").annotations({ description: "degraded: without its cache" }),
  store: Schema.String.annotations({ description: "What the store is" }),
  cache: Schema.String.annotations({ description: "What the cache is" }),
}).annotations({ identifier: "Ready" })

export const health = HttpApiGroup.make("health")
  .add(
    HttpApiEndpoint.get("live", "/live")
      .addSuccess(Alive)
      .annotate(OpenApi.Summary, "The process answers")
      .annotate(OpenApi.Description, "Touches nothing else.")
      .annotate(OpenApi.Transform, examples({ reply: { status: "ok" } })),
  )
  .add(
    HttpApiEndpoint.get("ready", "/ready")
      .addSuccess(Ready)
      .annotate(OpenApi.Summary, "It takes requests, and the store can be reached")
      .annotate(
        OpenApi.Description,
        "503 while it cannot, and when the server is about to end; without its cache it is ready.",
      )
      .annotate(
        OpenApi.Transform,
        examples({
          reply: {
            service: "p1-api",
            version: "0.1.0",
            status: "ok",
            store: "PostgreSQL 18.4, without TimescaleDB",
            cache: "Redis 7.0",
          },
        }),
      ),
  )
  .prefix("/health")
  .annotate(OpenApi.Description, "For health checks; needs no token")
