import { createServer, type Server, type ServerResponse } from "node:http"
import { type Etag, type HttpPlatform, type HttpServer } from "@effect/platform"
import { type NodeContext, NodeHttpServer } from "@effect/platform-node"
import { Context, type Duration, Effect, Layer } from "effect"
import { cannotListen, type StartupError } from "../process/index.ts"

export interface Options {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** The environment variable that sets the port, for the sentence that says it is taken. */
  readonly portVariable: string
}

/** The server below, with the replies it has not finished, for those who end it. */
export class NodeServer extends Context.Tag("infra/NodeServer")<
  NodeServer,
  { readonly server: Server; readonly underWay: ReadonlySet<ServerResponse> }
>() {}

const timeouts = {
  /** Longer than the two minutes for which a proxy in front keeps its connections. */
  keepAliveTimeout: 125_000,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16_384,
} as const

/** Keeps the replies under way. A request before the handlers are there or after they went would wait for ever. */
const make = (): Context.Tag.Service<NodeServer> => {
  const server = createServer(timeouts)
  const underWay = new Set<ServerResponse>()
  server.on("request", (_request, response) => {
    underWay.add(response)
    response.once("close", () => underWay.delete(response))
    if (server.listenerCount("request") > 1) return
    response.writeHead(503, { connection: "close", "retry-after": "1" }).end()
  })
  return { server, underWay }
}

/** An HTTP server over node:http with bounded waits. */
export const layer = ({
  host,
  port,
  portVariable,
}: Options): Layer.Layer<
  HttpServer.HttpServer | HttpPlatform.HttpPlatform | Etag.Generator | NodeContext.NodeContext | NodeServer,
  StartupError
> =>
  Layer.unwrapEffect(
    Effect.map(Effect.sync(make), (made) =>
      Layer.merge(
        NodeHttpServer.layer(() => made.server, { host, port }),
        Layer.succeed(NodeServer, made),
      ),
    ),
  ).pipe(Layer.catchAll(({ cause }) => Layer.fail(cannotListen(host, port, portVariable, cause))))

const askToClose = (response: ServerResponse): void => {
  if (!response.headersSent) response.setHeader("connection", "close")
}

const drain = ({ server, underWay }: Context.Tag.Service<NodeServer>) =>
  Effect.async((resume: (effect: Effect.Effect<void>) => void) => {
    underWay.forEach(askToClose)
    server.prependListener("request", (_request, response) => askToClose(response))
    const idle = setInterval(() => server.closeIdleConnections(), 50)
    server.close(() => {
      clearInterval(idle)
      resume(Effect.void)
    })
    return Effect.sync(() => clearInterval(idle))
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
