import { HttpServerRequest } from "@effect/platform"
import { NodeHttpServerRequest } from "@effect/platform-node"
import { Effect } from "effect"
import { NodeServer } from "./HttpServer.ts"

/** Cuts the connection of this request when nothing moves on it for long, as when a client stops reading. */
export const cutWhenStuck: Effect.Effect<void, never, HttpServerRequest.HttpServerRequest | NodeServer> =
  Effect.zipWith(
    HttpServerRequest.HttpServerRequest,
    NodeServer,
    (request, { stuckMs }) => void NodeHttpServerRequest.toIncomingMessage(request).socket.setTimeout(stuckMs),
  )
