import { HttpServerRequest } from "@effect/platform"
import { NodeHttpServerRequest } from "@effect/platform-node"
import { Duration, Effect } from "effect"

/** Cuts the connection of this request when nothing has moved on it for so long, as when a client stops reading. */
export const cutWhenStuck = (
  duration: Duration.DurationInput,
): Effect.Effect<void, never, HttpServerRequest.HttpServerRequest> =>
  Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
    NodeHttpServerRequest.toIncomingMessage(request).socket.setTimeout(Duration.toMillis(duration))
  })
