import { HttpMiddleware, HttpRouter, HttpServerResponse } from "@effect/platform"
import { Effect, Option, PubSub } from "effect"
import { SimulatedMeter } from "../SimulatedMeter.ts"
import { MeterSystem } from "../System.ts"
import { v1Document } from "../V1Document.ts"
import { body } from "./Requests.ts"
import { telegram } from "./Routes.ts"

const json = HttpServerResponse.unsafeJson
const refuse = (status: number, id: number, description: string) => json({ error: { id, description } }, { status })

const device = Effect.map(
  Effect.flatMap(SimulatedMeter, (meter) => meter.device),
  ({ firmware_version, product_name, product_type, serial }) =>
    json({ product_type, product_name, serial, firmware_version, api_version: "v1" }),
)

const data = Effect.gen(function* () {
  const meter = yield* SimulatedMeter
  const system = yield* MeterSystem
  const measurement = yield* meter.measurement
  yield* PubSub.publish(meter.given, measurement)
  return json(v1Document(measurement, yield* system.read))
})

const readSystem = Effect.map(
  Effect.flatMap(MeterSystem, (system) => system.read),
  ({ cloud_enabled }) => json({ cloud_enabled }),
)

const writeSystem = Effect.gen(function* () {
  const system = yield* MeterSystem
  const { cloud_enabled } = yield* Effect.map(
    body,
    Option.getOrElse((): Record<string, unknown> => ({})),
  )
  yield* system.write({ cloud_enabled })
  return json({ cloud_enabled })
}).pipe(
  Effect.catchTag("Refusal", ({ code }) =>
    Effect.succeed(code === "request:invalid-json" ? refuse(400, 2, "Bad JSON") : refuse(400, 7, "Bad value")),
  ),
)

/** The routes of API v1, without a token. */
export const v1Routes = HttpRouter.empty.pipe(
  HttpRouter.get("/api", device),
  HttpRouter.get("/api/v1/data", data),
  HttpRouter.get("/api/v1/telegram", telegram),
  HttpRouter.get("/api/v1/system", readSystem),
  HttpRouter.put("/api/v1/system", writeSystem),
  HttpRouter.put("/api/v1/identify", Effect.succeed(json({ identify: "ok" }))),
  Effect.catchTag("RouteNotFound", () => Effect.succeed(HttpServerResponse.empty({ status: 404 }))),
)

/** Refuses everything while the owner has not switched API v1 on. */
export const whenEnabled = HttpMiddleware.make((app) =>
  Effect.gen(function* () {
    const system = yield* MeterSystem
    const { api_v1_enabled } = yield* system.read
    return api_v1_enabled ? yield* app : refuse(403, 202, "API not enabled")
  }),
)
