import { Effect, FiberSet, PubSub, Queue, Runtime, Stream } from "effect"
import type { Server } from "node:https"
import { type WebSocket, WebSocketServer } from "ws"
import { MeterControls } from "../Controls.ts"
import { SimulatedMeter } from "../SimulatedMeter.ts"
import { MeterSystem } from "../System.ts"
import { MeterUsers } from "../Users.ts"
import { type Client, converse } from "./Client.ts"
import type { Front } from "./Front.ts"
import { maxBodyBytes } from "./Requests.ts"
import { valueOf } from "./Topics.ts"
import { eachTelegram } from "./EachTelegram.ts"

/** How many clients it serves at once; the true number is not documented. */
export const maxClients = 4

/** More than this unsent, and the client is not reading. */
const maxBufferedBytes = 256 * 1024

/** Serves `/api/ws` of an HTTPS server. */
export const serveSockets = Effect.fn("serveSockets")(function* (server: Server, front: Front) {
  const controls = yield* MeterControls
  const meter = yield* SimulatedMeter
  const system = yield* MeterSystem
  const users = yield* MeterUsers
  const runSync = Runtime.runSync(yield* Effect.runtime())
  const run = yield* FiberSet.makeRuntime<MeterControls | SimulatedMeter | MeterSystem | MeterUsers>()
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxBodyBytes, autoPong: false })
  const clients = new Map<Client, string>()
  let connected = 0

  const { wake } = yield* eachTelegram(
    () => [...clients.keys()].some(({ subscribed }) => subscribed.has("measurement")),
    (json) =>
      Effect.gen(function* () {
        yield* PubSub.publish(meter.given, json)
        for (const { say, subscribed } of clients.keys()) {
          if (subscribed.has("measurement")) yield* say("measurement", json)
        }
      }),
  )

  const send = (socket: WebSocket, isDead: () => boolean, text: string): void => {
    if (isDead() || socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > maxBufferedBytes) return socket.terminate()
    const { body, delayMs } = runSync(controls.switches)
    const said = body === "garbage" ? text.slice(0, Math.ceil(text.length / 2)) : text
    if (delayMs === 0) return socket.send(said)
    setTimeout(() => isDead() || socket.send(said), delayMs)
  }

  const serve = (socket: WebSocket, isDead: () => boolean) => {
    connected++
    const client = Effect.map(Queue.unbounded<string>(), (heard): Client => ({
      socket: socket.on("message", (data) => isDead() || heard.unsafeOffer(String(data))),
      say: (type, data) => Effect.sync(() => send(socket, isDead, JSON.stringify({ type, data }))),
      hear: Queue.take(heard),
      subscribed: new Set(),
      hasSubscribed: wake,
    }))
    const gone = Effect.async<number>((resume) => void socket.once("close", (code) => resume(Effect.succeed(code))))
    socket.once("close", () => connected--)
    socket.on("error", () => undefined)
    socket.on("ping", (data) => isDead() || socket.pong(data))
    run(
      Effect.flatMap(client, (client) =>
        converse(client, (token) => clients.set(client, token)).pipe(
          Effect.zipRight(gone),
          Effect.raceFirst(gone),
          Effect.ensuring(Effect.sync(() => clients.delete(client))),
        ),
      ),
    )
  }

  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => undefined)
    if (request.url !== "/api/ws") return socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n")
    if (connected >= maxClients) return front.reset(request.socket)
    sockets.handleUpgrade(request, socket, head, (webSocket) => serve(webSocket, () => front.isDead(request.socket)))
  })

  yield* Stream.merge(Stream.fromPubSub(users.changes), Stream.fromPubSub(system.changes)).pipe(
    Stream.runForEach((topic) =>
      Effect.gen(function* () {
        for (const [{ say, subscribed }, token] of clients) {
          if (subscribed.has(topic)) yield* say(topic, yield* valueOf(topic, token))
        }
      }),
    ),
    Effect.forkScoped,
  )
  yield* Effect.addFinalizer(() => Effect.sync(() => sockets.clients.forEach((socket) => socket.terminate())))
})
