import { createServer, connect, type Server, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

/** What the network does to what passes; at peace when nothing is set. */
export interface Fault {
  /** Each chunk comes so much later, in both directions. */
  readonly latencyMs?: number
  /** Bytes a second, in both directions. */
  readonly bytesPerSecond?: number
  /** Connections are accepted and nothing ever passes. */
  readonly blackHole?: boolean
  /** Nothing listens any more: connections are refused, those there are cut with a reset. */
  readonly down?: boolean
  /** The connection is reset after so many bytes from the client. */
  readonly resetAfterBytes?: number
  /** The server's reply comes as far as here, and the connection is reset instead of passing it on. */
  readonly resetOnReply?: boolean
  /** The reply breaks off after so many bytes, by a reset. */
  readonly cutReplyAfterBytes?: number
  /** What the client sends passes; what the server says is swallowed, and the connection stays open. */
  readonly halfOpen?: boolean
}

export interface FaultProxy {
  readonly port: number
  /** Changes the network, for the connections that are open too. */
  readonly set: (fault: Fault) => Effect.Effect<void>
  /** Connections that were accepted so far. */
  readonly connections: () => number
  /** Replies of the server that began to arrive here. */
  readonly replies: () => number
}

interface State {
  fault: Fault
  accepted: number
  replies: number
  readonly open: Set<Socket>
}

const reset = (...sockets: ReadonlyArray<Socket>) => {
  for (const socket of sockets) {
    if (!socket.destroyed) socket.resetAndDestroy()
  }
}

/** Passes chunks on in order, each at the pace that the fault of its moment allows. */
const pace = (state: State, to: Socket) => {
  let freeAtMs = 0
  return (chunk: Buffer, then: () => void) => {
    const { bytesPerSecond, latencyMs = 0 } = state.fault
    const nowMs = performance.now()
    const takesMs = bytesPerSecond === undefined ? 0 : (chunk.length / bytesPerSecond) * 1000
    freeAtMs = Math.max(freeAtMs, nowMs + latencyMs) + takesMs
    const pass = () => {
      if (!to.destroyed) to.write(chunk)
      then()
    }
    if (freeAtMs <= nowMs) pass()
    else setTimeout(pass, freeAtMs - nowMs)
  }
}

const join = (state: State, client: Socket, upstreamPort: number) => {
  const server = connect(upstreamPort, "127.0.0.1")
  let sent = 0
  let replied = 0
  const toServer = pace(state, server)
  const toClient = pace(state, client)
  for (const socket of [client, server]) {
    state.open.add(socket)
    socket.setNoDelay(true)
    socket.on("error", () => reset(client, server))
    socket.on("close", () => {
      state.open.delete(socket)
      if (!state.fault.halfOpen && !state.fault.blackHole) reset(client, server)
    })
  }
  const pausing = (from: Socket) => (chunk: Buffer, pass: (chunk: Buffer, then: () => void) => void) => {
    from.pause()
    pass(chunk, () => from.resume())
  }
  const fromClient = pausing(client)
  const fromServer = pausing(server)
  client.on("data", (chunk) => {
    const { blackHole, resetAfterBytes } = state.fault
    if (blackHole) return
    sent += chunk.length
    if (resetAfterBytes !== undefined && sent > resetAfterBytes) return reset(client, server)
    fromClient(chunk, toServer)
  })
  server.on("data", (chunk) => {
    const { blackHole, cutReplyAfterBytes, halfOpen, resetOnReply } = state.fault
    state.replies += 1
    if (blackHole || halfOpen) return
    if (resetOnReply) return reset(client, server)
    replied += chunk.length
    if (cutReplyAfterBytes === undefined) return fromServer(chunk, toClient)
    if (replied <= cutReplyAfterBytes) return fromServer(chunk, toClient)
    client.write(chunk.subarray(0, Math.max(0, chunk.length - (replied - cutReplyAfterBytes))), () =>
      setTimeout(() => reset(client, server), 20),
    )
  })
}

const listen = (server: Server, port: number) =>
  Effect.async<number>((resume) => {
    server.listen(port, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : port))
    })
  })

/** A TCP proxy on a free port of 127.0.0.1 in front of a server on this machine, as bad as it is told to be. */
export const faultProxy = (upstreamPort: number): Effect.Effect<FaultProxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    const state: State = { fault: {}, accepted: 0, replies: 0, open: new Set() }
    const server = createServer((client) => {
      state.accepted += 1
      if (state.fault.down) return reset(client)
      join(state, client, upstreamPort)
    })
    const port = yield* listen(server, 0)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        reset(...state.open)
        server.close()
      }),
    )
    return {
      port,
      set: (fault) =>
        Effect.sync(() => {
          state.fault = fault
          if (fault.down) reset(...state.open)
        }),
      connections: () => state.accepted,
      replies: () => state.replies,
    }
  })
