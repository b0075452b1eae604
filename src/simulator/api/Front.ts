import { Effect, Runtime, type Scope, Stream } from "effect"
import { createServer, type Server as NetServer, type Socket } from "node:net"
import type { EventEmitter } from "node:events"
import { cannotListen, type StartupError } from "../../infra/process/index.ts"
import { MeterControls } from "../Controls.ts"
import { MeterSystem } from "../System.ts"

/** How many connections the device bears at once; the true number is not documented, but it is small. */
export const maxConnections = 8

/** How long a restart waits for the reply that announces it. */
const lastReplyWithin = "200 millis"

/** One end of a connection, as any layer above TCP knows it. */
type Peer = Pick<Socket, "remoteAddress" | "remotePort">

/** The device's TCP port: what happens below HTTP happens here. */
export interface Front {
  readonly port: number
  /** Whether a connection has gone dead, so that nothing may be said on it any more. */
  readonly isDead: (peer: Peer) => boolean
  readonly reset: (peer: Peer) => void
  readonly resetAll: Effect.Effect<void>
}

export interface FrontOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** The environment variable that sets the port. */
  readonly variable: string
}

const keyOf = ({ remoteAddress, remotePort }: Peer): string => `${remoteAddress}:${remotePort}`

const listening = ({ host, port, variable }: FrontOptions, server: NetServer): Effect.Effect<number, StartupError> =>
  Effect.async((resume) => {
    server
      .once("error", (cause) => resume(Effect.fail(cannotListen(host, port, variable, cause))))
      .listen(port, host, () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : port))
      })
  })

/** Listens, and hands connections to `server` (which does not listen itself) while the network is well. */
export const listen = (
  options: FrontOptions,
  server: EventEmitter,
): Effect.Effect<Front, StartupError, MeterControls | MeterSystem | Scope.Scope> =>
  Effect.gen(function* () {
    const controls = yield* MeterControls
    const system = yield* MeterSystem
    const runSync = Runtime.runSync(yield* Effect.runtime())
    const open = new Map<string, Socket>()
    const dead = new Set<string>()
    const accept = (socket: Socket): void => {
      const key = keyOf(socket)
      socket.on("error", () => undefined)
      if (open.size >= maxConnections || runSync(system.restarting)) return void socket.resetAndDestroy()
      const { network } = runSync(controls.switches)
      if (network === "reset") return void socket.resetAndDestroy()
      open.set(key, socket)
      socket.once("close", () => {
        open.delete(key)
        dead.delete(key)
      })
      if (network === "half-open") dead.add(key)
      else server.emit("connection", socket)
    }
    const resetAll = Effect.sync(() => open.forEach((socket) => socket.resetAndDestroy()))
    const front = createServer(accept)
    const port = yield* listening(options, front)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        front.close()
        open.forEach((socket) => socket.destroy())
      }),
    )
    yield* Stream.fromPubSub(system.restarts).pipe(
      Stream.runForEach(() => Effect.delay(resetAll, lastReplyWithin)),
      Effect.forkScoped,
    )
    yield* controls.react((now, before) => {
      if (now.network === before.network) return Effect.void
      if (now.network === "reset") return resetAll
      return Effect.sync(() => {
        if (now.network === "half-open") for (const key of open.keys()) dead.add(key)
      })
    })
    return {
      port,
      isDead: (peer) => dead.has(keyOf(peer)),
      reset: (peer) => open.get(keyOf(peer))?.resetAndDestroy(),
      resetAll,
    }
  })
