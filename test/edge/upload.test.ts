import { describe, expect, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Either, Option, Redacted, TestClock } from "effect"
import type { IngestReply } from "../../src/domain/index.ts"
import { Spool } from "../../src/domain/ports/index.ts"
import { EdgeClock, makeUploadOnce } from "../../src/edge/index.ts"
import { meterOf, sampleAt } from "../infra/samples.ts"
import { batchOf, edgeInMemory, type SentRequest, spoolSamples, stubServer } from "./support/edge.ts"

const secret = "p1d_secret"

const reply = (fields: Partial<IngestReply>, headers: Record<string, string> = {}) =>
  Response.json({ received: 0, inserted: 0, duplicates: 0, conflicts: 0, rejected: [], ...fields }, { headers })
const accept = (request: SentRequest) => {
  const { length } = batchOf(request).samples
  return reply({ received: length, inserted: length })
}

const left = Effect.flatMap(Spool, (spool) =>
  Effect.map(Effect.scoped(spool.oldest(10_000, DateTime.unsafeMake("2100-01-01"))), (rows) =>
    rows.map(({ sample }) => sample.powerW - 1000),
  ),
)

const upload = (server: ReturnType<typeof stubServer>) =>
  makeUploadOnce({ url: "https://p1.example.org/base", token: Effect.succeed(Redacted.make(secret)) }).pipe(
    Effect.provide(server.layer),
    Effect.map(({ uploadOldest }) => Effect.map(uploadOldest, ({ settled }) => settled)),
  )

describe("one upload", () => {
  it.effect("sends the oldest samples, gzipped, with the token, by the contract", () =>
    Effect.gen(function* () {
      const server = stubServer(accept)
      yield* spoolSamples(3)
      expect(yield* yield* upload(server)).toBe(3)
      const [request] = server.requests
      expect(request?.url).toBe("https://p1.example.org/base/v1/ingest")
      expect(request?.headers).toMatchObject({
        authorization: `Bearer ${secret}`,
        "content-encoding": "gzip",
        "content-type": "application/json",
      })
      expect(request && batchOf(request).samples).toEqual([sampleAt(0), sampleAt(1), sampleAt(2)])
      expect(yield* left).toEqual([])
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.effect("sends nothing when nothing waits", () =>
    Effect.gen(function* () {
      const server = stubServer(accept)
      expect(yield* yield* upload(server)).toBe(0)
      expect(server.requests).toEqual([])
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.effect("does with each sample what the reply says of it", () =>
    Effect.gen(function* () {
      const rejected = [
        { index: 3, code: "future", message: "ahead" },
        { index: 1, code: "invalid", message: "absurd" },
      ] as const
      const server = stubServer(() => reply({ received: 5, inserted: 2, duplicates: 1, conflicts: 1, rejected }))
      yield* TestClock.setTime(sampleAt(0).ts.epochMillis)
      yield* spoolSamples(5)
      yield* yield* upload(server)
      const spool = yield* Spool
      expect(yield* left).toEqual([3])
      expect(yield* Effect.scoped(spool.oldest(9, DateTime.add(sampleAt(0).ts, { millis: 59_999 })))).toEqual([])
      expect(yield* Effect.scoped(spool.oldest(9, DateTime.add(sampleAt(0).ts, { seconds: 60 })))).toHaveLength(1)
      expect(yield* spool.status).toMatchObject({ waiting: 1, quarantined: 1 })
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.effect.each([
    ["more were received than sent", { received: 4, inserted: 4 }],
    ["fewer were received than sent", { received: 2, inserted: 2 }],
    ["the parts are less than the whole", { received: 3, inserted: 1, duplicates: 1 }],
    ["the parts are more than the whole", { received: 3, inserted: 3, duplicates: 1 }],
    [
      "a sample is rejected that was not sent",
      { received: 3, inserted: 2, rejected: [{ index: 3, code: "invalid", message: "" }] },
    ],
    [
      "a sample is rejected twice",
      {
        received: 3,
        inserted: 1,
        rejected: [
          { index: 1, code: "invalid", message: "" },
          { index: 1, code: "future", message: "" },
        ],
      },
    ],
  ] satisfies ReadonlyArray<readonly [string, Partial<IngestReply>]>)("believes no reply in which %s", ([, fields]) =>
    Effect.gen(function* () {
      yield* spoolSamples(3)
      const failure = yield* Effect.flip(yield* upload(stubServer(() => reply(fields))))
      expect(failure.message).toContain("does not add up")
      expect(yield* left).toEqual([0, 1, 2])
      expect(yield* Effect.flatMap(Spool, ({ status }) => status)).toMatchObject({ waiting: 3, quarantined: 0 })
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.effect("cuts a batch before the meter says something else of itself", () =>
    Effect.gen(function* () {
      const server = stubServer(accept)
      const spool = yield* Spool
      const said = [null, "6.1", null, "6.1", "6.2", null] as const
      yield* Effect.forEach(said, (version, n) => spool.append(sampleAt(n), version && meterOf(version)))
      const uploadOnce = yield* upload(server)
      expect([yield* uploadOnce, yield* uploadOnce]).toEqual([4, 2])
      expect(server.requests.map(batchOf).map(({ meter }) => meter?.firmwareVersion)).toEqual(["6.1", "6.2"])
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.effect("compares the clock with the server's, also when that refuses", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 6, 15, 10))
      yield* spoolSamples(1)
      const date = "Wed, 15 Jul 2026 10:00:02 GMT"
      yield* Effect.flip(yield* upload(stubServer(() => new Response(null, { status: 401, headers: { date } }))))
      const { time } = yield* EdgeClock
      expect((yield* time).trusted).toBe(true)
    }).pipe(Effect.provide(edgeInMemory)),
  )
})

describe("a failed upload keeps everything and knows what to wait for", () => {
  const problem = (status: number, fields: object, headers: Record<string, string> = {}) =>
    Response.json({ type: "about:blank", title: "", status, detail: "the detail", ...fields }, { status, headers })
  const seconds = (n: number) => n * 1000

  it.effect.each([
    ["500 without a body", new Response(null, { status: 500 }), "Transient", 0],
    ["502 of a proxy", new Response("<html>", { status: 502 }), "Transient", 0],
    ["503 with a header", problem(503, {}, { "retry-after": "7" }), "Transient", seconds(7)],
    ["503 with a document", problem(503, { retry_after_s: 9 }), "Transient", seconds(9)],
    [
      "429 for too long",
      new Response(null, { status: 429, headers: { "retry-after": "99999999" } }),
      "Transient",
      seconds(900),
    ],
    [
      "429 until a date",
      new Response(null, { status: 429, headers: { "retry-after": "Thu, 01 Jan 1970 00:00:30 GMT" } }),
      "Transient",
      seconds(30),
    ],
    [
      "429 until a date gone by",
      new Response(null, { status: 429, headers: { "retry-after": "Mon, 01 Jan 1940 00:00:30 GMT" } }),
      "Transient",
      0,
    ],
    [
      "429 until a date by the server's own clock",
      new Response(null, {
        status: 429,
        headers: { date: "Wed, 15 Jul 2026 10:00:00 GMT", "retry-after": "Wed, 15 Jul 2026 10:00:20 GMT" },
      }),
      "Transient",
      seconds(20),
    ],
    ["429 with nonsense", new Response(null, { status: 429, headers: { "retry-after": "soon" } }), "Transient", 0],
    ["408", new Response(null, { status: 408 }), "Transient", 0],
    ["401", problem(401, {}), "Held", 0],
    ["403", problem(403, {}), "Held", 0],
    ["404", new Response(null, { status: 404 }), "Held", 0],
    ["405", new Response(null, { status: 405 }), "Held", 0],
    ["415", problem(415, {}), "Held", 0],
    ["426", problem(426, {}), "Held", 0],
    ["410", problem(410, {}), "Held", 0],
    ["425", problem(425, {}), "Transient", 0],
    ["a redirect", new Response(null, { status: 307, headers: { location: "https://elsewhere.example" } }), "Held", 0],
    ["200 that is a web page", new Response("<html>log in to the wifi</html>"), "Unbelieved", 0],
    ["200 that is something else", Response.json({ ok: true }), "Unbelieved", 0],
    ["202", new Response(null, { status: 202 }), "Unbelieved", 0],
  ] as const)("%s", ([, response, kind, waitMs]) =>
    Effect.gen(function* () {
      const server = stubServer(() => response)
      yield* spoolSamples(2)
      const failure = yield* Effect.flip(yield* upload(server))
      expect(failure).toMatchObject({ _tag: "UploadFailed", kind })
      const waits = failure._tag === "UploadFailed" ? Option.map(failure.retryAfter, Duration.toMillis) : undefined
      expect(waits).toEqual(waitMs === 0 ? Option.none() : Option.some(waitMs))
      expect(JSON.stringify(failure)).not.toContain(secret)
      expect(server.requests).toHaveLength(1)
      expect(yield* left).toEqual([0, 1])
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.effect("a server that never answers", () =>
    Effect.gen(function* () {
      yield* spoolSamples(2)
      const uploadOnce = yield* upload(stubServer(() => Effect.never))
      const running = yield* Effect.fork(Effect.either(uploadOnce))
      yield* Effect.yieldNow()
      yield* TestClock.adjust("30 seconds")
      const outcome = yield* running
      expect(Either.isLeft(outcome) && outcome.left.message).toBe("The server did not answer within 30s")
      expect(yield* left).toEqual([0, 1])
    }).pipe(Effect.provide(edgeInMemory)),
  )
})
