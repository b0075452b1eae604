import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, Layer, Option, Schema } from "effect"
import { createServer } from "node:http"
import { cannotListen } from "../infra/process/index.ts"
import { MeterControls } from "./Controls.ts"
import { Switches } from "./Switches.ts"

const host = "127.0.0.1"

/** The port of a simulated meter's button and switches, on this machine only, if there is one. */
export class ControlEndpoint extends Context.Tag("simulator/ControlEndpoint")<
  ControlEndpoint,
  { readonly port: Option.Option<number> }
>() {}

const Change = Schema.partialWith(Switches, { exact: true })

const switches = Effect.flatMap(MeterControls, (controls) =>
  Effect.map(controls.switches, (all) => HttpServerResponse.unsafeJson(all)),
)

const change = Effect.gen(function* () {
  const controls = yield* MeterControls
  yield* controls.set(yield* HttpServerRequest.schemaBodyJson(Change, { onExcessProperty: "error" }))
  return yield* switches
}).pipe(Effect.catchTag("ParseError", ({ message }) => HttpServerResponse.text(`${message}\n`, { status: 400 })))

const press = Effect.gen(function* () {
  const controls = yield* MeterControls
  yield* controls.pressButton
  return HttpServerResponse.text("pressed: the meter makes a user within 30 seconds\n")
})

const routes = HttpRouter.empty.pipe(
  HttpRouter.get("/", switches),
  HttpRouter.patch("/", change),
  HttpRouter.post("/button", press),
)

/** Listens on this machine: `GET /` shows the switches, `PATCH /` changes some, `POST /button` presses the button. */
export const layer = ({ controlPort }: { readonly controlPort: Option.Option<number> }) =>
  Layer.scoped(
    ControlEndpoint,
    Effect.gen(function* () {
      if (Option.isNone(controlPort)) return { port: controlPort }
      const port = controlPort.value
      const server = yield* Effect.mapError(
        NodeHttpServer.make(() => createServer(), { host, port }),
        (error) => cannotListen(host, port, "METER_CONTROL_PORT", error.cause),
      )
      yield* Effect.provideService(HttpServer.serveEffect(routes), HttpServer.HttpServer, server)
      const { address } = server
      return { port: Option.some(address._tag === "TcpAddress" ? address.port : port) }
    }),
  )
