import { type Context, Deferred, type Duration, Effect, Layer } from "effect"
import { NodeServer } from "./HttpServer.ts"

/**
 * A connection that was used within this time may be about to be used again: it is kept for one more request, whose
 * reply asks to close it. So a proxy in front does not find a connection closed while it sends.
 */
const recentMs = 500
const lookEveryMs = 50

const drain = ({ closing, connections, server, underWay }: Context.Tag.Service<NodeServer>) =>
  Effect.async((resume: (effect: Effect.Effect<void>) => void) => {
    Deferred.unsafeDone(closing, Effect.void)
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

export interface DrainOptions {
  /** How long requests are still taken, so that proxies which look at its health learn that it ends; not at all unless given. */
  readonly grace?: Duration.DurationInput | undefined
  /** How long after that requests under way may take. */
  readonly deadline: Duration.DurationInput
}

/**
 * Ends a server gracefully before what is above it goes: it says so for a while, then there are no new connections,
 * requests under way are finished, and what is left after the deadline is cut.
 */
export const layerDrain = ({ deadline, grace = 0 }: DrainOptions): Layer.Layer<never, never, NodeServer> =>
  Layer.scopedDiscard(
    Effect.flatMap(NodeServer, (node) =>
      Effect.addFinalizer(() =>
        node.announceEnd.pipe(
          Effect.zipRight(Effect.sleep(grace)),
          Effect.zipRight(
            drain(node).pipe(
              Effect.timeout(deadline),
              Effect.catchTag("TimeoutException", () => Effect.sync(() => node.server.closeAllConnections())),
            ),
          ),
          Effect.interruptible,
        ),
      ),
    ),
  )
