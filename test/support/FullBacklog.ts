import { connect, type Socket } from "node:net"
import { Worker } from "node:worker_threads"
import { Effect, type Scope } from "effect"

/** Listens and never accepts: its thread sleeps for ever. */
const sleeper = `
  const { createServer } = require("node:net")
  const { parentPort } = require("node:worker_threads")
  const server = createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
  })
`

const connects = (socket: Socket): Promise<boolean> =>
  new Promise((resolve) => {
    socket.once("connect", () => resolve(true))
    setTimeout(() => resolve(false), 500)
  })

/** A port of 127.0.0.1 behind which all places to wait are taken: who knocks there gets no answer at all. */
export const fullBacklog: Effect.Effect<number, never, Scope.Scope> = Effect.gen(function* () {
  const worker = yield* Effect.acquireRelease(
    Effect.sync(() => new Worker(sleeper, { eval: true })),
    (worker) => Effect.promise(() => worker.terminate()),
  )
  const port = yield* Effect.async<number>((resume) => {
    worker.once("message", (port: number) => resume(Effect.succeed(port)))
  })
  const waiting = Effect.acquireRelease(
    Effect.sync(() => connect(port, "127.0.0.1").on("error", () => undefined)),
    (socket) => Effect.sync(() => socket.destroy()),
  )
  yield* Effect.repeat(
    Effect.flatMap(waiting, (socket) => Effect.promise(() => connects(socket))),
    {
      until: (connected) => !connected,
    },
  )
  return port
})
