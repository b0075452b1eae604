import type { ServerResponse } from "node:http"
import { type Context, Deferred, type Duration, Effect, Layer } from "effect"
import { NodeServer } from "./HttpServer.ts"

/**
 * A connection that was used within this time may be about to be used again: it is kept for one more request, whose
 * reply asks to close it. So a proxy in front does not find a connection closed while it sends.
 */
const recentMs = 500
const lookEveryMs = 50

const askToClose = (response: ServerResponse): void => {
  if (!response.headersSent) response.setHeader("connection", "close")
}

const drain = ({ closing, connections, server, underWay }: Context.Tag.Service<NodeServer>) =>
  Effect.async((resume: (effect: Effect.Effect<void>) => void) => {
    Deferred.unsafeDone(closing, Effect.void)
    underWay.forEach(askToClose)
    server.prependListener("request", (_request, response) => askToClose(response))
    const look = setInterval(() => {
      const busy = new Set(Array.from(underWay, ({ req }) => req.socket))
      const now = performance.now()
      for (const [socket, usedAt] of connections) if (!busy.has(socket) && now - usedAt > recentMs) socket.destroy()
    }, lookEveryMs)
    // Its own closing of idle connections would be too soon.
    server.closeIdleConnections = () => undefined
    server.close(() => {
      clearInterval(look)
      resume(Effect.void)
    })
    return Effect.sync(() => clearInterval(look))
  })

/**
 * Ends a server gracefully before what is above it goes: no new connections, requests under way are finished, and
 * what is left after the deadline is cut.
 */
export const layerDrain = (deadline: Duration.DurationInput): Layer.Layer<never, never, NodeServer> =>
  Layer.scopedDiscard(
    Effect.flatMap(NodeServer, (node) =>
      Effect.addFinalizer(() =>
        drain(node).pipe(
          Effect.interruptible,
          Effect.timeout(deadline),
          Effect.catchTag("TimeoutException", () => Effect.sync(() => node.server.closeAllConnections())),
        ),
      ),
    ),
  )
