import { createServer as createTcpServer, type Socket } from "node:net"
import { createServer as createTlsServer } from "node:tls"
import { createServer as createHttpsServer } from "node:https"
import type { AddressInfo } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import {
  Chunk,
  Context,
  Deferred,
  Duration,
  Effect,
  Either,
  Fiber,
  Layer,
  Option,
  Redacted,
  Stream,
  TestClock,
  TestServices,
} from "effect"
import { WebSocketServer } from "ws"
import { Meter, MeterDiscovery, type MeterError } from "../../src/domain/ports/index.ts"
import { HomeWizardMeter } from "../../src/infra/homewizard/index.ts"
import { MemoryEdgeState } from "../../src/infra/memory/index.ts"
import { layer as simulator, MeterControls, MeterEndpoint } from "../../src/simulator/index.ts"
import { makeAuthority, makeLeaf } from "./certificates.ts"

const secret = "0123456789ABCDEF0123456789ABCDEF"
const nobodyAround = Layer.succeed(MeterDiscovery, { find: () => Effect.succeed([]) })

const pushed = (options: Partial<HomeWizardMeter.MeterOptions> & { readonly port: number }) =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const meter = yield* Layer.build(
        HomeWizardMeter.layer({
          host: "127.0.0.1",
          token: Redacted.make(secret),
          ca: Option.none(),
          serial: Option.none(),
          ...options,
        }).pipe(Layer.provide([MemoryEdgeState.layer, nobodyAround])),
      ).pipe(Effect.orDie)
      return Option.getOrElse(Context.get(meter, Meter).pushed, () => Stream.empty)
    }),
  )

const ended = <A>(stream: Stream.Stream<A, MeterError>) =>
  Effect.timed(Effect.flip(Stream.runDrain(stream))).pipe(
    Effect.map(([took, { message, reason }]) => ({ message, reason, tookMs: Duration.toMillis(took) })),
  )

const sim = Effect.gen(function* () {
  const context = yield* Layer.build(simulator({ port: 0, speed: 10 }))
  return { ...Context.get(context, MeterEndpoint), set: Context.get(context, MeterControls).set }
})

/** A WebSocket server with a meter's certificate, and what it hears. */
const dongle = (answer: (type: string, say: (frame: unknown) => void) => void) =>
  Effect.acquireRelease(
    Effect.async<{ readonly port: number; readonly heard: Array<string>; readonly close: () => void }>((resume) => {
      const leaf = makeLeaf(makeAuthority("Vendor"), "appliance/p1dongle/5c2faf0a1b2c")
      const https = createHttpsServer(leaf)
      const heard: Array<string> = []
      const sockets = new WebSocketServer({ server: https })
      sockets.on("connection", (socket) => {
        const say = (frame: unknown) => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame))
        socket.on("message", (data) => {
          heard.push(String(data))
          answer((JSON.parse(String(data)) as { readonly type: string }).type, say)
        })
        answer("open", say)
      })
      https.listen(0, "127.0.0.1", () =>
        resume(
          Effect.succeed({
            port: (https.address() as AddressInfo).port,
            heard,
            close: () => {
              for (const client of sockets.clients) client.terminate()
              https.close()
            },
          }),
        ),
      )
    }),
    ({ close }) => Effect.sync(close),
  )

describe("a meter that pushes", () => {
  it.scopedLive("gives each telegram once, in order, bad ones as such", () =>
    Effect.gen(function* () {
      const { port, set, token } = yield* sim
      const readings = yield* Stream.runCollect(Stream.take(pushed({ port, token }), 12))
      const stamps = Chunk.toReadonlyArray(readings).map((reading) => Either.getOrThrow(reading).timestamp)
      expect(new Set(stamps).size).toBe(12)
      expect(stamps).toEqual([...stamps].sort())
      const outcomes: Array<string> = []
      yield* pushed({ port, token }).pipe(
        Stream.tap((reading) =>
          Effect.gen(function* () {
            outcomes.push(Either.match(reading, { onLeft: ({ reason }) => reason, onRight: () => "good" }))
            if (outcomes.length === 2) yield* set({ body: "garbage" })
            if (outcomes.at(-1) === "Malformed") yield* set({ body: "whole" })
          }),
        ),
        Stream.takeUntil(() => outcomes.includes("Malformed") && outcomes.at(-1) === "good"),
        Stream.runDrain,
      )
      expect(outcomes.slice(0, 2)).toEqual(["good", "good"])
    }),
  )

  it.scopedLive("is told the token only when it asks for it, and then is asked for measurements", () =>
    Effect.gen(function* () {
      const { heard, port } = yield* dongle((type, say) => {
        if (type === "open")
          setTimeout(() => say({ type: "authorization_requested", data: { api_version: "2.0" } }), 50)
        if (type === "authorization") say({ type: "authorized" })
        if (type === "subscribe") {
          say({ type: "batteries", data: {} })
          say({ type: "measurement", data: { power_w: "much" } })
          say({ type: "measurement", data: { power_w: 5 } })
        }
      })
      const readings = yield* Stream.runCollect(Stream.take(pushed({ port }), 2))
      expect(Chunk.toReadonlyArray(readings).map((reading) => Either.getOrThrow(reading).powerW)).toEqual([null, 5])
      expect(heard.map((text) => JSON.parse(text))).toEqual([
        { type: "authorization", data: secret },
        { type: "subscribe", data: "measurement" },
      ])
    }),
  )

  it.scopedLive("that refuses the token says so", () =>
    Effect.gen(function* () {
      const { port } = yield* sim
      expect(yield* ended(pushed({ port }))).toMatchObject({
        reason: "Unauthorized",
        message: expect.stringContaining("pair again"),
      })
    }),
  )
})

describe("a push connection that is dead", () => {
  const pushLimits = { authorized: "300 millis", ping: "300 millis", data: "1 second" } as const

  it.scopedLive("is found by a ping without answer, twice the ping's interval after it died at the latest", () =>
    Effect.gen(function* () {
      const { port, set, token } = yield* sim
      const end = yield* pushed({ port, token, pushLimits: { ...pushLimits, data: "1 minute" } }).pipe(
        Stream.tap(() => set({ network: "half-open" })),
        ended,
      )
      expect(end).toMatchObject({ reason: "Unreachable", message: expect.stringContaining("does not answer") })
      expect(end.tookMs).toBeLessThan(3000)
    }),
  )

  it.scopedLive("is found by silence: of a meter that lets nobody in, or pushes nothing", () =>
    Effect.gen(function* () {
      const asking = yield* dongle(() => undefined)
      expect((yield* ended(pushed({ port: asking.port, pushLimits }))).message).toContain("did not let")
      const lazy = yield* dongle((type, say) => {
        if (type === "open") say({ type: "authorization_requested" })
        if (type === "authorization") say({ type: "authorized" })
      })
      expect((yield* ended(pushed({ port: lazy.port, pushLimits }))).message).toContain("pushed nothing for 1s")
    }),
  )

  it.scopedLive("is found while it is made: of a meter that takes it and never says a word", () =>
    Effect.gen(function* () {
      const sockets: Array<Socket> = []
      const silent = createTcpServer((socket) => sockets.push(socket.on("error", () => undefined)))
      yield* Effect.acquireRelease(
        Effect.promise(() => new Promise((resolve) => silent.listen(0, "127.0.0.1", () => resolve(undefined)))),
        () => Effect.sync(() => (sockets.forEach((socket) => socket.destroy()), silent.close())),
      )
      const { port } = silent.address() as AddressInfo
      const end = yield* ended(pushed({ port, timeout: "300 millis" }))
      expect(end).toMatchObject({ reason: "Unreachable", message: expect.stringContaining("does not answer") })
      expect(sockets.length).toBe(1)
    }),
  )

  it.scoped("is found within 45 s by the limits that hold in a house", () =>
    Effect.gen(function* () {
      const live = <A, E, R>(effect: Effect.Effect<A, E, R>) => TestServices.provideLive(effect)
      const { port, set, token } = yield* live(sim)
      const halfOpen = yield* Deferred.make<boolean>()
      const listening = yield* pushed({ port, token }).pipe(
        Stream.tap(() => Effect.zipRight(set({ network: "half-open" }), Deferred.succeed(halfOpen, true))),
        Stream.runDrain,
        Effect.flip,
        Effect.fork,
      )
      yield* Deferred.await(halfOpen)
      let seconds = 0
      while ((yield* Fiber.poll(listening))._tag === "None" && seconds < 120) {
        seconds += 1
        yield* TestClock.adjust("1 second")
        yield* live(Effect.sleep("5 millis"))
      }
      expect(yield* Fiber.join(listening)).toMatchObject({ reason: "Unreachable" })
      expect(seconds).toBeLessThanOrEqual(45)
    }),
  )

  it.scopedLive("is reset", () =>
    Effect.gen(function* () {
      const { port, set, token } = yield* sim
      const end = yield* ended(Stream.tap(pushed({ port, token }), () => set({ network: "reset" })))
      expect(end.reason).toBe("Unreachable")
    }),
  )
})

describe("who is not the meter", () => {
  it.scopedLive("hears not a byte, on no way", () =>
    Effect.gen(function* () {
      const vendor = makeAuthority("Vendor")
      const strangers = [
        { leaf: makeLeaf(vendor, "appliance/energysocket/5c2faf0a1b2c"), ca: Option.none() },
        { leaf: makeLeaf(makeAuthority("Stranger"), "appliance/p1dongle/5c2faf0a1b2c"), ca: Option.some(vendor.pem) },
        { leaf: makeLeaf(vendor, "appliance/p1dongle/5c2faf999999"), ca: Option.none() },
      ]
      for (const { ca, leaf } of strangers) {
        const heard: Array<Buffer> = []
        const server = createTlsServer(leaf, (socket) => {
          socket.on("data", (data: Buffer) => heard.push(data))
          socket.on("error", () => undefined)
        })
        yield* Effect.acquireRelease(
          Effect.promise(() => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)))),
          () => Effect.sync(() => server.close()),
        )
        const { port } = server.address() as AddressInfo
        const options = { port, ca, serial: Option.some("5c2faf0a1b2c") }
        expect((yield* ended(pushed(options))).reason).toBe("WrongIdentity")
        expect(heard).toEqual([])
      }
    }),
  )
})
