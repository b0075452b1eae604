import { connect } from "node:net"
import { HttpServer } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import {
  Chunk,
  Context,
  DateTime,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Metric,
  Option,
  Redacted,
  Ref,
  Schedule,
  Scope,
  Stream,
  TestClock,
} from "effect"
import { Redis } from "ioredis"
import { inject } from "vitest"
import {
  type AnswerCache,
  type RateLimits,
  RealtimeCache,
  type Registry,
  type Secrets,
  type Store,
} from "../../src/domain/ports/index.ts"
import { CryptoSecrets } from "../../src/infra/crypto/index.ts"
import { MemoryCaches, MemoryRegistry, MemoryStore } from "../../src/infra/memory/index.ts"
import { RedisCaches } from "../../src/infra/redis/index.ts"
import { Admin, Server } from "../../src/server/index.ts"
import { streams } from "../../src/server/Metrics.ts"
import { call, layerServer, memoryPorts, type Ports, Running, send } from "./support/server.ts"
import { type Event, open } from "./support/stream.ts"
import "../support/Provided.ts"

const sampleNow = (powerW: number, secondsAgo = 0) =>
  Effect.map(DateTime.now, (now) => ({
    samples: [{ ts: DateTime.formatIso(DateTime.subtract(now, { seconds: secondsAgo })), power_w: powerW }],
  }))
const sendNow = (token: string, powerW: number, secondsAgo = 0) =>
  Effect.flatMap(sampleNow(powerW, secondsAgo), (batch) => send(token, batch))

const powers = (events: Iterable<Event>) => Array.from(events, ({ data }) => data["power_w"])

const url = Effect.map(Running, (server) => server.url)

describe("the realtime stream", () => {
  it.scopedLive("begins with the current document and goes on with every new one", () =>
    Effect.gen(function* () {
      const { home, homeReader } = yield* Running
      yield* sendNow(home, 100, 3)
      const { events, response } = yield* open(yield* url, homeReader)
      expect(response.headers.get("content-type")).toBe("text/event-stream")
      const heard = yield* Effect.fork(Stream.runCollect(Stream.take(events, 3)))
      yield* Effect.sleep("200 millis")
      yield* sendNow(home, 200, 2)
      yield* sendNow(home, 150, 10)
      yield* Effect.sleep("100 millis")
      yield* sendNow(home, 300, 1)
      const got = Chunk.toReadonlyArray(yield* Fiber.join(heard))
      // The late sample is news too: it may have changed the quarter-hour; the latest stays the latest.
      expect(powers(got)).toEqual([100, 200, 200])
      expect(got.map(({ event }) => event)).toEqual(["realtime", "realtime", "realtime"])
      const ids = got.map(({ id }) => Number(id))
      expect(ids).toEqual([...ids].sort((a, b) => a - b))
      const { json } = yield* call("/v1/realtime", { token: homeReader })
      expect(Object.keys(got[0]?.data ?? {})).toEqual(Object.keys(json as object))
    }).pipe(Effect.provide(layerServer(memoryPorts))),
  )

  it.scopedLive("resumes: what was seen is not sent again, what was missed is", () =>
    Effect.gen(function* () {
      const { home, homeReader } = yield* Running
      yield* sendNow(home, 100, 3)
      const first = yield* open(yield* url, homeReader)
      const [seen] = yield* Stream.runCollect(Stream.take(first.events, 1))
      const again = yield* open(yield* url, homeReader, { "last-event-id": seen?.id ?? "" })
      const heard = yield* Effect.fork(Stream.runCollect(Stream.take(again.events, 1)))
      yield* Effect.sleep("200 millis")
      yield* sendNow(home, 200, 2)
      expect(powers(yield* Fiber.join(heard))).toEqual([200])
      const missed = yield* open(yield* url, homeReader, { "last-event-id": seen?.id ?? "" })
      expect(powers(yield* Stream.runCollect(Stream.take(missed.events, 1)))).toEqual([200])
      // An id that the store has not reached: it was restored from a backup, so what it has is the truth.
      const restored = yield* open(yield* url, homeReader, { "last-event-id": "999" })
      expect(powers(yield* Stream.runCollect(Stream.take(restored.events, 1)))).toEqual([200])
    }).pipe(Effect.provide(layerServer(memoryPorts))),
  )

  it.scopedLive("is refused without a token and for another's device", () =>
    Effect.gen(function* () {
      const { homeReader } = yield* Running
      expect((yield* call("/v1/realtime/stream")).status).toBe(401)
      expect((yield* call("/v1/realtime/stream?device_id=barn", { token: homeReader })).status).toBe(403)
    }).pipe(Effect.provide(layerServer(memoryPorts))),
  )

  it.scoped("sends a comment every 15 s, so that all between see that it lives", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 2, 3))
      const { homeReader, url: at } = Context.get(yield* Layer.build(layerServer(memoryPorts)), Running)
      const { blocks } = yield* open(at, homeReader)
      const heard = yield* Effect.fork(Stream.runCollect(Stream.take(blocks, 3)))
      yield* Effect.repeat(Effect.zipRight(TestClock.adjust("15 seconds"), Fiber.poll(heard)), { until: Option.isSome })
      expect(Chunk.toReadonlyArray(yield* Fiber.join(heard))).toEqual(["retry: 1000", ": ", ": "])
    }),
  )

  it.scoped("ends within five seconds of its token's revocation, and only then", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 2, 3))
      const context = yield* Layer.build(layerServer(memoryPorts))
      const { bothReader, homeReader, url: at } = Context.get(context, Running)
      const follow = (token: string, query = "") =>
        Effect.flatMap(open(at, token, {}, query), ({ blocks }) => Effect.fork(Stream.runDrain(blocks)))
      const [revoked, other] = [yield* follow(homeReader), yield* follow(bothReader, "?device_id=home")]
      yield* TestClock.adjust("10 seconds")
      expect(Option.isNone(yield* Fiber.poll(revoked))).toBe(true)
      yield* Effect.provide(Admin.revokeToken(homeReader.slice(4, 14)), context)
      yield* TestClock.adjust("5 seconds")
      expect(Exit.isSuccess(yield* Fiber.await(revoked))).toBe(true)
      expect(Option.isNone(yield* Fiber.poll(other))).toBe(true)
    }),
  )

  it.scopedLive("costs one piece of memory for a client that takes nothing, and is cut", () =>
    Effect.gen(function* () {
      const pieces = yield* Ref.make(0)
      const large = "x".repeat(1_000_000)
      const document = (revision: number) => ({ revision, tsMs: Date.now(), json: `{"x":"${large}"}` })
      const ports = Layer.map(memoryPorts, (context): Context.Context<Ports> =>
        Context.add(context, RealtimeCache, {
          ...Context.get(context, RealtimeCache),
          updates: () =>
            Stream.repeatEffectWithSchedule(
              Effect.map(
                Ref.updateAndGet(pieces, (n) => n + 1),
                document,
              ),
              Schedule.spaced("5 millis"),
            ),
        }),
      )
      const timeouts = { stuckTimeout: 2_000 }
      const { homeReader, url: at } = Context.get(yield* Layer.build(layerServer(ports, { timeouts })), Running)
      const before = process.memoryUsage()
      const socket = yield* Effect.acquireRelease(
        Effect.sync(() => connect(Number(new URL(at).port), "127.0.0.1")),
        (open) => Effect.sync(() => open.destroy()),
      )
      socket.write(`GET /v1/realtime/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${homeReader}\r\n\r\n`)
      const clients = Metric.value(streams)
      yield* Effect.repeat(Effect.delay(clients, "10 millis"), { until: ({ value }) => value === 1 })
      yield* Effect.repeat(Effect.delay(clients, "10 millis"), { until: ({ value }) => value === 0 })
      expect(yield* Ref.get(pieces)).toBeGreaterThan(50)
      expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(30e6)
    }),
  )

  it.scopedLive("ends cleanly and at once when the server does", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(layerServer(memoryPorts), scope)
      const { home, homeReader, url: at } = Context.get(context, Running)
      yield* Effect.provide(sendNow(home, 100), context)
      const { events } = yield* open(at, homeReader)
      const heard = yield* Effect.fork(Stream.runCollect(events))
      yield* Effect.sleep("200 millis")
      const [took] = yield* Effect.timed(Scope.close(scope, Exit.void))
      expect(Duration.toMillis(took)).toBeLessThan(1_000)
      expect(powers(yield* Fiber.join(heard))).toEqual([100])
    }),
  )
})

const redisUrl = inject("redisUrl")

describe.skipIf(redisUrl === undefined)("two servers behind one Redis (skipped where it is not installed)", () => {
  type Kept = Store | Registry | Secrets
  const shared = Layer.mergeAll(Layer.provideMerge(MemoryStore.layer, MemoryRegistry.layer), CryptoSecrets.layer)
  const other = (cache: Layer.Layer<RealtimeCache | AnswerCache | RateLimits>, ports: Context.Context<Kept>) =>
    Effect.gen(function* () {
      const server = yield* Layer.build(
        Server.layer({ host: "127.0.0.1", port: 0, portVariable: "PORT" }).pipe(
          Layer.provide(Layer.mergeAll(cache, Layer.succeedContext(ports))),
        ),
      )
      const address = Context.get(server, HttpServer.HttpServer).address
      return address._tag === "TcpAddress" ? `http://127.0.0.1:${address.port}` : ""
    })

  const bothWays = (cache: () => Layer.Layer<RealtimeCache | AnswerCache | RateLimits>, within: number) =>
    Effect.gen(function* () {
      const ports = yield* Layer.build(shared)
      const context = yield* Layer.build(layerServer(Layer.merge(cache(), Layer.succeedContext(ports))))
      const { home, homeReader } = Context.get(context, Running)
      const second = yield* other(cache(), ports)
      yield* Effect.provide(sendNow(home, 100, 3), context)
      const { events } = yield* open(second, homeReader)
      const heard = yield* Effect.fork(Stream.runCollect(Stream.take(events, 2)))
      yield* Effect.sleep("300 millis")
      yield* Effect.provide(sendNow(home, 200, 2), context)
      expect(powers(yield* Effect.timeout(Fiber.join(heard), within))).toEqual([100, 200])
    })

  it.scopedLive("what one takes in, the other streams", () =>
    Effect.zipRight(
      Effect.acquireUseRelease(
        Effect.sync(() => new Redis(redisUrl ?? "")),
        (redis) => Effect.promise(() => redis.del("p1:realtime:1:{home}", "p1:realtime:1:{home}:mark")),
        (redis) => Effect.sync(() => redis.disconnect()),
      ),
      bothWays(() => RedisCaches.layer({ url: Redacted.make(redisUrl ?? "") }), 500),
    ),
  )

  it.scopedLive("and while Redis is away, from the store", () =>
    bothWays(() => RedisCaches.layer({ url: Redacted.make("redis://127.0.0.1:1") }), 4_000),
  )

  it.scopedLive("without any cache, too", () => bothWays(() => MemoryCaches.layer, 4_500))
})
