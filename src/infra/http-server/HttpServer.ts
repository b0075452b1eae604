import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { type Etag, type HttpPlatform, type HttpServer } from "@effect/platform"
import { type NodeContext, NodeHttpServer } from "@effect/platform-node"
import { Context, Deferred, Effect, FiberId, Layer, type Scope } from "effect"
import { answerBrokenRequests } from "./BrokenRequests.ts"
import { cannotListen, type StartupError } from "../process/index.ts"

type Timeout = "keepAliveTimeout" | "headersTimeout" | "requestTimeout" | "connectionsCheckingInterval" | "stuckTimeout"

export interface Options {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** The environment variable that sets the port, for the sentence that says it is taken. */
  readonly portVariable: string
  readonly timeouts?: Partial<Readonly<Record<Timeout, number>>> | undefined
}

/** Answers a request ahead of the handlers, or gives it back at any time before the reply has begun. */
export type Shortcut = (request: IncomingMessage, response: ServerResponse) => boolean

/** The server below, for those who end it: the replies it has not finished, and what tells them to come to an end. */
export class NodeServer extends Context.Tag("infra/NodeServer")<
  NodeServer,
  {
    readonly server: Server
    readonly underWay: ReadonlySet<ServerResponse>
    /** Every open connection, and when it last began or ended a request or was opened, ms of the process's own clock. */
    readonly connections: ReadonlyMap<Socket, number>
    /** From now on replies ask to close their connections, and who asks for the server's health hears that it ends. */
    readonly announceEnd: Effect.Effect<void>
    /** Whether the server is about to end; it still takes requests. */
    readonly isEnding: Effect.Effect<boolean>
    /** Done when the server takes no more: replies that go on for ever end then. */
    readonly closing: Deferred.Deferred<void>
    /** When a connection on which nothing moves is given up, ms. */
    readonly stuckMs: number
    /** Asks this before the handlers, until the scope ends; a request that it does not take, or `pass`es, is theirs. */
    readonly before: (shortcut: Shortcut) => Effect.Effect<void, never, Scope.Scope>
    readonly pass: (request: IncomingMessage, response: ServerResponse) => void
  }
>() {}

/** How long clients may take, ms. */
const timeouts: Readonly<Record<Timeout, number>> = {
  /** Longer than the two minutes for which a proxy in front keeps its connections. */
  keepAliveTimeout: 125_000,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  /** Nothing moves for so long on the connection of a reply that goes on for ever; there are heartbeats more often. */
  stuckTimeout: 120_000,
}
const maxHeaderBytes = 16_384

const askToClose = (response: ServerResponse): void => {
  if (!response.headersSent) response.setHeader("connection", "close")
}

/**
 * Keeps the replies under way. A request that comes before the handlers are there waits for them, one that comes after
 * they went is told so.
 */
const make = (given: Options["timeouts"]): Context.Tag.Service<NodeServer> => {
  const { stuckTimeout, ...limits } = { ...timeouts, ...given }
  const server = createServer({ ...limits, maxHeaderSize: maxHeaderBytes })
  answerBrokenRequests(server)
  let ending = false
  const underWay = new Set<ServerResponse>()
  const connections = new Map<Socket, number>()
  const touch = (socket: Socket) => void (connections.has(socket) && connections.set(socket, performance.now()))
  server.on("connection", (socket) => {
    connections.set(socket, performance.now())
    socket.once("close", () => connections.delete(socket))
  })
  let early: Array<() => void> | undefined = []
  const note = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    underWay.add(response)
    touch(socket)
    if (ending) askToClose(response)
    response.once("close", () => {
      underWay.delete(response)
      touch(socket)
    })
  }
  let shortcut: Shortcut | undefined
  const emit = server.emit.bind(server)
  const pass = (request: IncomingMessage, response: ServerResponse) => void emit("request", request, response)
  server.emit = (event: string, ...args: ReadonlyArray<unknown>): boolean => {
    if (event !== "request") return emit(event, ...args)
    const [request, response] = args as [IncomingMessage, ServerResponse]
    note(request, response)
    return shortcut?.(request, response) === true || emit(event, request, response)
  }
  const before = (given: Shortcut) =>
    Effect.acquireRelease(
      Effect.sync(() => (shortcut = given)),
      () => Effect.sync(() => (shortcut = undefined)),
    )
  server.on("request", (request, response) => {
    if (server.listenerCount("request") > 1) return
    if (early !== undefined) early.push(() => pass(request, response))
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
  return {
    server,
    underWay,
    connections,
    announceEnd: Effect.sync(() => {
      ending = true
      underWay.forEach(askToClose)
    }),
    isEnding: Effect.sync(() => ending),
    closing: Deferred.unsafeMake(FiberId.none),
    stuckMs: stuckTimeout,
    before,
    pass,
  }
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
