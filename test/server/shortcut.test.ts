import { expect, it } from "@effect/vitest"
import { Context, DateTime, Effect, Layer, Metric, Ref, TestClock } from "effect"
import { Secrets } from "../../src/domain/ports/index.ts"
import { Admin } from "../../src/server/index.ts"
import { defaultLimits } from "../../src/server/Limits.ts"
import { requestTimeOf } from "../../src/server/Metrics.ts"
import { call, type Call, layerServer, memoryPorts, type Ports, Running, send } from "./support/server.ts"

const path = "/v1/realtime"
const nowMs = Date.UTC(2026, 2, 3, 12)

/** The ports in memory, and how often a token was hashed: that is, looked at. */
const counted = Effect.gen(function* () {
  const looks = yield* Ref.make(0)
  const ports = Layer.map(memoryPorts, (context): Context.Context<Ports> => {
    const secrets = Context.get(context, Secrets)
    const sha256: typeof secrets.sha256 = (token) =>
      Effect.zipRight(
        Ref.update(looks, (n) => n + 1),
        secrets.sha256(token),
      )
    return Context.add(context, Secrets, { ...secrets, sha256 })
  })
  return { looks: Ref.getAndSet(looks, 0), ports }
})

const sendNow = (token: string) =>
  Effect.flatMap(DateTime.now, (now) =>
    send(token, { samples: [{ ts: DateTime.formatIso(now), power_w: 421, energy_import_kwh: 12.5 }] }),
  )

const unlike = new Set(["x-request-id", "date"])
const headersOf = (headers: Headers) => [...headers].filter(([name]) => !unlike.has(name))

it.scoped("who asks again gets the same reply, to the last header, without being looked at again", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(nowMs)
    const { looks, ports } = yield* counted
    const context = yield* Layer.build(layerServer(ports))
    const { home, homeReader } = Context.get(context, Running)
    const ask = (how: Call = {}) => Effect.provide(call(path, { token: homeReader, ...how }), context)
    yield* Effect.provide(sendNow(home), context)
    yield* looks
    const time = requestTimeOf(path, "GET", 200)
    const before = (yield* Metric.value(time)).count

    const first = yield* ask()
    expect([first.status, yield* looks]).toEqual([200, 1])
    const again = yield* ask({ headers: { "x-request-id": "mine" } })
    expect([again.status, yield* looks]).toEqual([200, 0])
    expect(again.text).toBe(first.text)
    expect(headersOf(again.headers)).toEqual(headersOf(first.headers))
    expect(again.headers.get("x-request-id")).toBe("mine")
    expect(first.headers.get("x-request-id")?.split("-")[0]).toBe(
      (yield* ask()).headers.get("x-request-id")?.split("-")[0],
    )
    expect((yield* Metric.value(time)).count - before).toBe(3)
    yield* looks

    // Whatever else it is goes the way of all requests.
    expect((yield* ask({ method: "HEAD" })).status).toBe(200)
    expect((yield* ask({ headers: { origin: "https://elsewhere.example" } })).status).toBe(200)
    expect(yield* looks).toBe(2)
    const of = (device: string) => Effect.provide(call(`${path}?device_id=${device}`, { token: homeReader }), context)
    expect((yield* of("home")).status).toBe(200)
    expect(yield* looks).toBe(0)
    expect((yield* of("barn")).status).toBe(403)
    expect((yield* ask({ token: home })).status).toBe(403)
    expect((yield* ask({ method: "POST" })).status).toBe(405)
  }),
)

const phases = Array.from({ length: 12 }, (_, i) => i * 400)

it.scoped.each(phases)(
  "a token that is revoked works for less than five seconds, however often it asks, and if it was quiet for %d ms",
  (quietMs) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(nowMs)
      const context = yield* Layer.build(layerServer(memoryPorts))
      const { home, homeReader } = Context.get(context, Running)
      // A document that is always new, so that nothing but the token sends the reader the long way.
      const ask = Effect.zipRight(sendNow(home), call(path, { token: homeReader })).pipe(Effect.provide(context))
      expect([(yield* ask).status, (yield* ask).status]).toEqual([200, 200])
      yield* Effect.provide(Admin.revokeToken(homeReader.slice(4, 14)), context)
      yield* TestClock.adjust(Math.max(1, quietMs))
      const statuses = [(yield* ask).status]
      while ((yield* DateTime.now).epochMillis < nowMs + 4_900) {
        yield* TestClock.adjust("99 millis")
        statuses.push((yield* ask).status)
      }
      expect(statuses.at(-1)).toBe(401)
      expect(statuses.indexOf(401)).toBe(statuses.lastIndexOf(200) + 1)
    }),
)

it.scoped("who asks too often is told so, and when to ask again", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(nowMs)
    const limits = { ...defaultLimits, requestsPerToken: { ...defaultLimits.requestsPerToken, points: 4 } }
    const context = yield* Layer.build(layerServer(memoryPorts, { limits }))
    const { home, homeReader } = Context.get(context, Running)
    yield* Effect.provide(sendNow(home), context)
    const replies = yield* Effect.replicateEffect(Effect.provide(call(path, { token: homeReader }), context), 6)
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429, 429])
    expect(Number(replies[5]?.headers.get("retry-after"))).toBeGreaterThan(0)
  }),
)
