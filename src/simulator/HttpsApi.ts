import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, Layer, type Redacted } from "effect"
import { createServer } from "node:https"
import { listen } from "./api/Front.ts"
import { bear, guard, misbehave } from "./api/Manners.ts"
import { routes } from "./api/Routes.ts"
import { serveSockets } from "./api/Sockets.ts"
import { makeStrain } from "./api/Strain.ts"
import { leafShown } from "./Certificates.ts"
import { MeterControls } from "./Controls.ts"
import { MeterIdentity } from "./Identity.ts"

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

export interface ListenOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Seconds of the meter in a second of the clock. */
  readonly speed: number
}

/** Listens like the device: HTTPS and WebSocket on one port, with the leaf that carries the serial. */
export const layer = ({ host, port, speed }: ListenOptions) =>
  Layer.scoped(
    MeterEndpoint,
    Effect.gen(function* () {
      const controls = yield* MeterControls
      const identity = yield* MeterIdentity
      const { serial, token, caPem } = identity
      const https = createServer({ cert: identity.leafPem, key: identity.leafKeyPem })
      const front = yield* listen({ host, port, variable: "METER_PORT" }, https)
      const oneAtATime = yield* Effect.makeSemaphore(1)
      const app = routes.pipe(guard, misbehave, bear(front, yield* makeStrain(speed), oneAtATime))
      const handle = yield* NodeHttpServer.makeHandler(app)
      https.on("request", (request, response) => {
        if (!front.isDead(request.socket)) handle(request, response)
      })
      yield* serveSockets(https, front)
      yield* controls.react((now, before) => {
        if (now.certificate === before.certificate) return Effect.void
        const { leafKeyPem, leafPem } = leafShown(identity, serial, now.certificate)
        return Effect.zipRight(
          Effect.sync(() => https.setSecureContext({ cert: leafPem, key: leafKeyPem })),
          front.resetAll,
        )
      })
      return { host, port: front.port, serial, token, caPem }
    }),
  )
