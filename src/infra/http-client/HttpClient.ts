import { HttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { Agent } from "undici"

const connectTimeoutMs = 5_000
const maxResponseBytes = 1_000_000

/**
 * A client for a server on the internet: 5 s to connect, TLS included, and at most 1 MB of reply. Certificates are
 * always verified, whatever the environment says; a private CA is added with `NODE_EXTRA_CA_CERTS`. No redirect is
 * followed. How long an exchange may take is for the caller to say.
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.scoped(
  HttpClient.HttpClient,
  Effect.acquireRelease(
    Effect.sync(
      () =>
        new Agent({
          connect: { timeout: connectTimeoutMs, rejectUnauthorized: true },
          maxResponseSize: maxResponseBytes,
          pipelining: 1,
        }),
    ),
    (agent) => Effect.promise(() => agent.destroy()),
  ).pipe(Effect.map((agent) => HttpClient.withTracerPropagation(NodeHttpClient.makeUndici(agent), false))),
)
