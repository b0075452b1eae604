import { Agent as HttpAgent, type ClientRequestArgs } from "node:http"
import { Agent as HttpsAgent, type RequestOptions } from "node:https"
import type { Duplex } from "node:stream"
import { HttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer } from "effect"

const connectTimeoutMs = 5_000

class ConnectTimeout extends Error {
  readonly code = "ERR_SOCKET_CONNECTION_TIMEOUT"
}

type Created = (error: Error | null, socket: Duplex) => void

/** Ends a connection that is not made in time: Node's own agents wait for as long as the system does, minutes. */
const impatient = <S extends Duplex | null | undefined>(socket: S, made: "connect" | "secureConnect"): S => {
  const timer = setTimeout(() => socket?.destroy(new ConnectTimeout("No connection in time")), connectTimeoutMs)
  const inTime = () => clearTimeout(timer)
  socket?.once(made, inTime).once("close", inTime)
  return socket
}

class ImpatientHttpAgent extends HttpAgent {
  override createConnection(options: ClientRequestArgs, created?: Created) {
    return impatient(super.createConnection(options, created), "connect")
  }
}

class ImpatientHttpsAgent extends HttpsAgent {
  override createConnection(options: RequestOptions, created?: Created) {
    return impatient(super.createConnection(options, created), "secureConnect")
  }
}

const agents = Effect.acquireRelease(
  Effect.sync((): NodeHttpClient.HttpAgent => ({
    [NodeHttpClient.HttpAgentTypeId]: NodeHttpClient.HttpAgentTypeId,
    http: new ImpatientHttpAgent({ keepAlive: true }),
    https: new ImpatientHttpsAgent({ keepAlive: true, rejectUnauthorized: true }),
  })),
  ({ http, https }) =>
    Effect.sync(() => {
      http.destroy()
      https.destroy()
    }),
)

/**
 * A client for a server on the internet: 5 s to connect, TLS included. Certificates are always verified, whatever the
 * environment says; a private CA is added with `NODE_EXTRA_CA_CERTS`. No redirect is followed. How long an exchange may
 * take, and how large a reply may be, is for the caller to say.
 *
 * It stands on `node:http`: beside it, undici takes another 5 MB of a small box.
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(NodeHttpClient.make, HttpClient.withTracerPropagation(false)),
).pipe(Layer.provide(Layer.scoped(NodeHttpClient.HttpAgent, agents)))
