import { createServer, type Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { type Etag, type HttpPlatform, type HttpServer } from "@effect/platform"
import { type NodeContext, NodeHttpServer } from "@effect/platform-node"
import { Context, Deferred, Effect, FiberId, Layer } from "effect"
import { answerBrokenRequests } from "./BrokenRequests.ts"
import { cannotListen, type StartupError } from "../process/index.ts"

type Timeout = "keepAliveTimeout" | "headersTimeout" | "requestTimeout" | "connectionsCheckingInterval"

export interface Options {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** The environment variable that sets the port, for the sentence that says it is taken. */
  readonly portVariable: string
  readonly timeouts?: Partial<Readonly<Record<Timeout, number>>> | undefined
}

/** The server below, for those who end it: the replies it has not finished, and what tells them to come to an end. */
export class NodeServer extends Context.Tag("infra/NodeServer")<
  NodeServer,
  {
    readonly server: Server
    readonly underWay: ReadonlySet<ServerResponse>
    /** Every open connection, and when it last began or ended a request or was opened, ms of the process's own clock. */
    readonly connections: ReadonlyMap<Socket, number>
    /** Done when the server is about to end: it still takes requests, and says so to who asks for its health. */
    readonly ending: Deferred.Deferred<void>
    /** Done when the server takes no more: replies that go on for ever end then. */
    readonly closing: Deferred.Deferred<void>
  }
>() {}

/** How long clients may take, ms. */
const timeouts: Readonly<Record<Timeout, number>> = {
  /** Longer than the two minutes for which a proxy in front keeps its connections. */
  keepAliveTimeout: 125_000,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
}
const maxHeaderBytes = 16_384

/**
 * Keeps the replies under way. A request that comes before the handlers are there waits for them, one that comes after
 * they went is told so.
 */
const make = (given: Options["timeouts"]): Context.Tag.Service<NodeServer> => {
  const server = createServer({ ...timeouts, ...given, maxHeaderSize: maxHeaderBytes })
  answerBrokenRequests(server)
  const underWay = new Set<ServerResponse>()
  const connections = new Map<Socket, number>()
  const touch = (socket: Socket) => void (connections.has(socket) && connections.set(socket, performance.now()))
  server.on("connection", (socket) => {
    connections.set(socket, performance.now())
    socket.once("close", () => connections.delete(socket))
  })
  let early: Array<() => void> | undefined = []
  server.on("request", (request, response) => {
    const { socket } = request
    underWay.add(response)
    touch(socket)
    response.once("close", () => {
      underWay.delete(response)
      touch(socket)
    })
    if (server.listenerCount("request") > 1) return
    if (early !== undefined) early.push(() => server.emit("request", request, response))
    else response.writeHead(503, { connection: "close", "retry-after": "1" }).end()
  })
  const begin = (event: string | symbol) => {
    if (event !== "request") return
    const waiting = early ?? []
    early = undefined
    server.off("newListener", begin)
    setImmediate(() => waiting.forEach((again) => again()))
  }
  server.on("newListener", begin)
  const undone = (): Deferred.Deferred<void> => Deferred.unsafeMake(FiberId.none)
  return { server, underWay, connections, ending: undone(), closing: undone() }
}

/** An HTTP server over node:http with bounded waits. */
export const layer = ({
  host,
  port,
  portVariable,
  timeouts,
}: Options): Layer.Layer<
  HttpServer.HttpServer | HttpPlatform.HttpPlatform | Etag.Generator | NodeContext.NodeContext | NodeServer,
  StartupError
> =>
  Layer.unwrapEffect(
    Effect.map(
      Effect.sync(() => make(timeouts)),
      (made) =>
        Layer.merge(
          NodeHttpServer.layer(() => made.server, { host, port }),
          Layer.succeed(NodeServer, made),
        ),
    ),
  ).pipe(Layer.catchAll(({ cause }) => Layer.fail(cannotListen(host, port, portVariable, cause))))
