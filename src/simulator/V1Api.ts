import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, Layer, Option } from "effect"
import { createServer } from "node:http"
import { listen } from "./api/Front.ts"
import { bear, misbehave } from "./api/Manners.ts"
import { makeStrain } from "./api/Strain.ts"
import { v1Routes, whenEnabled } from "./api/V1Routes.ts"

/** The port on which the meter answers API v1, plain HTTP without a token, if it does. */
export class V1Endpoint extends Context.Tag("simulator/V1Endpoint")<
  V1Endpoint,
  { readonly port: Option.Option<number> }
>() {}

export interface V1Options {
  readonly host: string
  /** 0 takes any free port. */
  readonly v1Port: Option.Option<number>
  readonly speed: number
}

/** Listens for API v1 on a port of its own; the switch in the meter's settings decides whether it answers. */
export const layer = ({ host, speed, v1Port }: V1Options) =>
  Layer.scoped(
    V1Endpoint,
    Effect.gen(function* () {
      if (Option.isNone(v1Port)) return { port: v1Port }
      const http = createServer()
      const front = yield* listen({ host, port: v1Port.value, variable: "METER_V1_PORT" }, http)
      const oneAtATime = yield* Effect.makeSemaphore(1)
      const app = v1Routes.pipe(whenEnabled, misbehave, bear(front, yield* makeStrain(speed), oneAtATime))
      const handle = yield* NodeHttpServer.makeHandler(app)
      http.on("request", (request, response) => {
        if (!front.isDead(request.socket)) handle(request, response)
      })
      return { port: Option.some(front.port) }
    }),
  )
