import { HttpMiddleware, HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, Layer, PubSub, Redacted } from "effect"
import { createServer } from "node:https"
import { cannotListen } from "../infra/process/index.ts"
import { MeterIdentity } from "./Identity.ts"
import { apiVersion, SimulatedMeter } from "./SimulatedMeter.ts"

/** Where the meter listens, and what a client needs to be let in. */
export class MeterEndpoint extends Context.Tag("simulator/MeterEndpoint")<
  MeterEndpoint,
  {
    readonly host: string
    readonly port: number
    readonly serial: string
    readonly token: Redacted.Redacted
    readonly caPem: string
  }
>() {}

const refuse = (status: number, error: string) => HttpServerResponse.unsafeJson({ error }, { status })

const supports = (version: string | undefined): boolean =>
  version === undefined || version.split(".")[0] === apiVersion.split(".")[0]

const routes = HttpRouter.empty.pipe(
  HttpRouter.get(
    "/api",
    Effect.flatMap(SimulatedMeter, (meter) => Effect.map(meter.device, (json) => HttpServerResponse.unsafeJson(json))),
  ),
  HttpRouter.get(
    "/api/measurement",
    Effect.flatMap(SimulatedMeter, (meter) =>
      meter.measurement.pipe(
        Effect.tap((json) => PubSub.publish(meter.given, json)),
        Effect.map((json) => HttpServerResponse.unsafeJson(json)),
      ),
    ),
  ),
  Effect.catchTag("RouteNotFound", () => HttpServerResponse.empty({ status: 404 })),
)

/** Lets in who has the token and speaks this version; every reply, a refusal too, names the version. */
const guard = HttpMiddleware.make((app) =>
  Effect.gen(function* () {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const { token } = yield* MeterIdentity
    if (headers["authorization"] !== `Bearer ${Redacted.value(token)}`) return refuse(401, "user:unauthorized")
    if (!supports(headers["x-api-version"])) return refuse(400, "request:api-version-not-supported")
    return yield* app
  }).pipe(Effect.map(HttpServerResponse.setHeader("X-Api-Version", apiVersion))),
)

export interface ListenOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
}

/** Listens like the device: HTTPS only, with the leaf that carries the serial. */
export const layer = ({ host, port }: ListenOptions) =>
  Layer.scoped(
    MeterEndpoint,
    Effect.gen(function* () {
      const { serial, token, caPem, leafPem, leafKeyPem } = yield* MeterIdentity
      const https = createServer({ cert: leafPem, key: leafKeyPem })
      const server = yield* Effect.mapError(
        NodeHttpServer.make(() => https, { host, port }),
        (error) => cannotListen(host, port, "METER_PORT", error.cause),
      )
      yield* Effect.addFinalizer(() => Effect.sync(() => https.closeAllConnections()))
      yield* Effect.provideService(HttpServer.serveEffect(guard(routes)), HttpServer.HttpServer, server)
      const { address } = server
      return { host, port: address._tag === "TcpAddress" ? address.port : port, serial, token, caPem }
    }),
  )
