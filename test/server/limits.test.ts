import { connect } from "node:net"
import { gzipSync } from "node:zlib"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Either, Layer, Option, Redacted } from "effect"
import { inject } from "vitest"
import { formatToken } from "../../src/domain/index.ts"
import { RateLimits } from "../../src/domain/ports/index.ts"
import { parseTrustedProxies } from "../../src/infra/http-server/index.ts"
import { layerRedis, RedisRateLimits } from "../../src/infra/redis/index.ts"
import { Admin } from "../../src/server/index.ts"
import { call, layerServer, memoryPorts, type Reply, Running, send } from "./support/server.ts"

const limits = {
  requestsPerToken: { name: `token-${crypto.randomUUID()}`, points: 4, durationS: 60 },
  refusalsPerAddress: { name: `refused-${crypto.randomUUID()}`, points: 3, durationS: 60 },
}
const wrong = Redacted.value(formatToken("read", "0".repeat(42)))
const statuses = (replies: ReadonlyArray<Reply>) => replies.map(({ status }) => status)
const devices = (token: string, from?: string) =>
  call("/v1/devices", { token, headers: from === undefined ? {} : { "x-forwarded-for": from } })
const times = (n: number, effect: ReturnType<typeof devices>) => Effect.all(Array.from({ length: n }, () => effect))

const expectWait = (reply: Reply) => {
  expect(reply.status).toBe(429)
  const seconds = Number(reply.headers.get("retry-after"))
  expect(seconds).toBeGreaterThan(0)
  expect(seconds).toBeLessThanOrEqual(60)
  expect(reply.json).toMatchObject({ retry_after_s: seconds })
}

/** What a server answers to bytes, and for how long it listens. */
const exchange = (url: string, ...parts: ReadonlyArray<string>) =>
  Effect.async<string>((resume) => {
    const { port } = new URL(url)
    let text = ""
    const socket = connect(Number(port), "127.0.0.1", () => parts.forEach((part) => socket.write(part)))
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
    socket.on("error", () => undefined).on("close", () => resume(Effect.succeed(text)))
    return Effect.sync(() => socket.destroy())
  })

describe("limits", () => {
  it.live("a token that asks too often waits, others do not", () =>
    Effect.gen(function* () {
      const { bothReader, homeReader } = yield* Running
      const replies = yield* times(5, devices(homeReader))
      expect(statuses(replies)).toEqual([200, 200, 200, 200, 429])
      replies.slice(-1).forEach(expectWait)
      expect((yield* devices(bothReader)).status).toBe(200)
    }).pipe(Effect.provide(layerServer(memoryPorts, { limits }))),
  )

  it.live("an address that brings wrong tokens waits, but for tokens that worked; it cannot say it is another", () =>
    Effect.gen(function* () {
      const { bothReader, homeReader } = yield* Running
      expect((yield* devices(homeReader)).status).toBe(200)
      expect(statuses(yield* times(4, devices(wrong)))).toEqual([401, 401, 401, 429])
      expectWait(yield* devices(wrong, "192.0.2.77"))
      expectWait(yield* devices(bothReader))
      expect((yield* devices("p1r_short")).status).toBe(429)
      expect((yield* call("/v1/devices")).status).toBe(401)
      expect((yield* devices(homeReader)).status).toBe(200)
    }).pipe(Effect.provide(layerServer(memoryPorts, { limits }))),
  )

  it.live("behind a trusted proxy each client counts by itself, an IPv6 one by its network", () =>
    Effect.gen(function* () {
      const { bothReader } = yield* Running
      expect(statuses(yield* times(4, devices(wrong, "203.0.113.9, 192.0.2.1")))).toEqual([401, 401, 401, 429])
      expect((yield* devices(wrong, "203.0.113.9, 192.0.2.2")).status).toBe(401)
      expect((yield* devices(wrong, "192.0.2.1, 10.1.2.3")).status).toBe(429)
      const ofNetwork = ["2001:db8::1", "2001:db8:0:0:1::2", "2001:0db8::3:0:1", "2001:db8::4"]
      const replies = yield* Effect.forEach(ofNetwork, (from) => devices(wrong, from))
      expect(statuses(replies)).toEqual([401, 401, 401, 429])
      expect((yield* devices(bothReader, "2001:db8:0:1::1")).status).toBe(200)
    }).pipe(
      Effect.provide(
        layerServer(memoryPorts, {
          limits,
          trustedProxies: Either.getOrThrow(parseTrustedProxies("127.0.0.1, 10.0.0.0/8")),
        }),
      ),
    ),
  )

  it("takes no proxies that are none", () => {
    for (const text of ["10.0.0.0/33", "example.org", "10.0.0.0/8/8", "10.0.0.0/", "::/129"]) {
      expect(Either.isLeft(parseTrustedProxies(text))).toBe(true)
    }
    const own = Either.getOrThrow(parseTrustedProxies("private"))
    expect(["127.0.0.1", "172.18.0.4", "fd00::1", "8.8.8.8", "", "x"].map((address) => own.includes(address))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ])
  })
})

const redisUrl = inject("redisUrl")
const overRedis = (url: string) => Layer.provide(RedisRateLimits.layer, layerRedis({ url: Redacted.make(url) }))

describe.skipIf(redisUrl === undefined)("limits of two servers behind one Redis", () => {
  it.live("count together", () =>
    Effect.gen(function* () {
      const server = layerServer(memoryPorts, { limits, rateLimits: overRedis(redisUrl ?? "") })
      const ask = (n: number) => Effect.provide(times(n, devices(wrong)), server)
      expect(statuses(yield* ask(2))).toEqual([401, 401])
      expect(statuses(yield* ask(2))).toEqual([401, 429])
      const often = {
        requestsPerToken: { ...limits.requestsPerToken, points: 100 },
        refusalsPerAddress: { ...limits.refusalsPerAddress, name: `refused-${crypto.randomUUID()}` },
      }
      const spent = yield* Effect.gen(function* () {
        const { homeReader } = yield* Running
        return statuses(yield* times(110, devices(homeReader)))
      }).pipe(Effect.provide(layerServer(memoryPorts, { limits: often, rateLimits: overRedis(redisUrl ?? "") })))
      expect(spent.filter((status) => status === 200)).toHaveLength(100)
    }),
  )

  it.live("serve all who come at once, as far as there are points", () =>
    Effect.gen(function* () {
      const { take } = yield* RateLimits
      const burst = { name: `burst-${crypto.randomUUID()}`, points: 600, durationS: 60 }
      const waits = yield* Effect.all(
        Array.from({ length: 650 }, () => take(burst, "token")),
        { concurrency: "unbounded" },
      )
      expect(waits.filter(Option.isNone)).toHaveLength(600)
    }).pipe(Effect.provide(overRedis(redisUrl ?? ""))),
  )

  it.live("count each for itself while Redis is away", () =>
    Effect.gen(function* () {
      expect(statuses(yield* times(4, devices(wrong)))).toEqual([401, 401, 401, 429])
    }).pipe(Effect.provide(layerServer(memoryPorts, { limits, rateLimits: overRedis("redis://127.0.0.1:1") }))),
  )
})

describe("clients that do not come to an end", () => {
  const timeouts = { headersTimeout: 300, requestTimeout: 600, connectionsCheckingInterval: 50 }
  const problem = (status: number) =>
    new RegExp(`^HTTP/1.1 ${status} [^]*application/problem\\+json[^]*"status":${status}`)

  it.live("are cut, in their head and in their body", () =>
    Effect.gen(function* () {
      const { home, url } = yield* Running
      const head = "POST /v1/ingest HTTP/1.1\r\nHost: x\r\n"
      const rest = `Authorization: Bearer ${home}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`
      expect(yield* exchange(url, head)).toMatch(problem(408))
      expect(yield* exchange(url, head, rest)).toMatch(problem(408))
      expect((yield* call("/health/live")).status).toBe(200)
    }).pipe(Effect.timeout("5 seconds"), Effect.provide(layerServer(memoryPorts, { timeouts }))),
  )

  it.scopedLive("do not keep others from being answered, five hundred of them", () =>
    Effect.gen(function* () {
      const { homeReader, url } = yield* Running
      let ended = 0
      yield* Effect.forEach(Array.from({ length: 500 }), () =>
        Effect.acquireRelease(
          Effect.sync(() => {
            const socket = connect(Number(new URL(url).port), "127.0.0.1")
            socket.on("error", () => undefined).on("close", () => (ended += 1))
            socket.write("GET /v1/devices HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            return { socket, drip: setInterval(() => socket.write("x"), 100) }
          }),
          ({ drip, socket }) => Effect.sync(() => (clearInterval(drip), socket.destroy())),
        ),
      )
      expect(statuses(yield* times(20, devices(homeReader)))).toEqual(Array.from({ length: 20 }, () => 200))
      yield* Effect.repeat(
        Effect.delay(
          Effect.sync(() => ended),
          "50 millis",
        ),
        { until: (count) => count === 500 },
      )
    }).pipe(Effect.provide(layerServer(memoryPorts, { timeouts }))),
  )

  it.live("get their 413 while they send without an end, and are cut then", () =>
    Effect.gen(function* () {
      const { home, url } = yield* Running
      const head =
        `POST /v1/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${home}\r\n` +
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
      const chunk = `${(100_000).toString(16)}\r\n${" ".repeat(100_000)}\r\n`
      const chunks = Array.from({ length: 12 }, () => chunk)
      expect(yield* exchange(url, head, ...chunks)).toMatch(problem(413))
    }).pipe(Effect.timeout("5 seconds"), Effect.provide(layerServer(memoryPorts, { timeouts }))),
  )

  it.live("or whose head is too large or no HTTP get a problem document", () =>
    Effect.gen(function* () {
      const { url } = yield* Running
      expect(yield* exchange(url, `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(17_000)}\r\n\r\n`)).toMatch(
        problem(431),
      )
      expect(yield* exchange(url, "SING / HTTP/9\r\n\r\n")).toMatch(problem(400))
    }).pipe(Effect.timeout("5 seconds"), Effect.provide(layerServer(memoryPorts))),
  )

  it.live("with many bombs at once cost memory for two of them", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      const bomb = gzipSync(Buffer.alloc(200_000_000))
      const blow = send(home, bomb, { "content-encoding": "gzip" })
      yield* blow
      const before = process.memoryUsage().rss
      const replies = yield* Effect.all(
        Array.from({ length: 24 }, () => blow),
        { concurrency: "unbounded" },
      )
      expect(new Set(statuses(replies))).toEqual(new Set([413]))
      expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
    }).pipe(Effect.provide(layerServer(memoryPorts))),
  )
})

describe("headers", () => {
  it.live("keep readings private, and connections longer than a proxy does", () =>
    Effect.gen(function* () {
      const { homeReader } = yield* Running
      const replies = [
        yield* devices(homeReader),
        yield* devices(wrong),
        yield* call("/nowhere"),
        yield* call("/health/live"),
        yield* call("/openapi.json"),
      ]
      for (const { headers } of replies) {
        expect(headers.get("cache-control")).toBe("private, no-store")
        expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'")
        expect(headers.get("x-content-type-options")).toBe("nosniff")
        expect(headers.get("referrer-policy")).toBe("no-referrer")
        expect(headers.get("access-control-allow-origin")).toBeNull()
        expect(headers.get("server")).toBeNull()
        expect(headers.get("x-powered-by")).toBeNull()
        const kept = /timeout=(\d+)/.exec(headers.get("keep-alive") ?? "")?.[1]
        expect(Number(kept)).toBeGreaterThan(120)
      }
    }).pipe(Effect.provide(layerServer(memoryPorts))),
  )

  it.live("let pages of named origins read, and no others", () =>
    Effect.gen(function* () {
      const { homeReader } = yield* Running
      const origin = "https://home.example.org"
      const ask = (from: string, token: string) => call("/v1/devices", { token, headers: { origin: from } })
      for (const reply of [yield* ask(origin, homeReader), yield* ask(origin, wrong)]) {
        expect(reply.headers.get("access-control-allow-origin")).toBe(origin)
      }
      expect((yield* ask("https://evil.example", homeReader)).headers.get("access-control-allow-origin")).toBeNull()
      const preflight = (from: string) =>
        call("/v1/devices", {
          method: "OPTIONS",
          headers: {
            origin: from,
            "access-control-request-method": "GET",
            "access-control-request-headers": "authorization",
          },
        })
      const allowed = yield* preflight(origin)
      expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([204, origin])
      expect(allowed.headers.get("access-control-allow-headers")).toContain("Authorization")
      expect((yield* preflight("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull()
    }).pipe(Effect.provide(layerServer(memoryPorts, { corsOrigins: ["https://home.example.org"] }))),
  )

  it.live("HEAD is GET without a body; OPTIONS is for pages that were let in", () =>
    Effect.gen(function* () {
      const { homeReader } = yield* Running
      const head = yield* call("/v1/devices", { method: "HEAD", token: homeReader })
      expect([head.status, head.text]).toEqual([200, ""])
      const options = yield* call("/v1/devices", { method: "OPTIONS" })
      expect([options.status, options.headers.get("allow")]).toEqual([405, "GET, HEAD"])
    }).pipe(Effect.provide(layerServer(memoryPorts))),
  )
})

it.live("a token that is revoked is refused within five seconds by every server", () =>
  Effect.gen(function* () {
    const { homeReader } = yield* Running
    expect((yield* devices(homeReader)).status).toBe(200)
    yield* Admin.revokeToken(homeReader.slice(4, 14))
    yield* Effect.sleep("5 seconds")
    expect((yield* devices(homeReader)).status).toBe(401)
  }).pipe(Effect.provide(layerServer(memoryPorts))),
)
