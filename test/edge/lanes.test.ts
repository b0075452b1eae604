import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Redacted, TestClock } from "effect"
import * as Uploader from "../../src/edge/Uploader.ts"
import {
  batchOf,
  edgeInMemory,
  recordLogs,
  type SentRequest,
  spoolSamples,
  stubServer,
  waiting,
} from "./support/edge.ts"

const server = { url: "https://p1.example.org", token: Effect.succeed(Redacted.make("p1d_secret")) }
const uploader = Uploader.layer({ server, interval: "1 second" })

const numbersOf = (request: SentRequest) => batchOf(request).samples.map(({ powerW }) => powerW - 1000)
const accept = (request: SentRequest) => {
  const { length } = batchOf(request).samples
  return Response.json({ received: length, inserted: length, duplicates: 0, conflicts: 0, rejected: [] })
}

describe("the two lanes", () => {
  it.effect("send the newest first and the backlog behind it, each sample once, never one in both", () =>
    Effect.gen(function* () {
      const underWay = new Set<number>()
      const inBoth: Array<number> = []
      const stub = stubServer((request) =>
        Effect.gen(function* () {
          const numbers = numbersOf(request)
          inBoth.push(...numbers.filter((n) => underWay.has(n)))
          numbers.forEach((n) => underWay.add(n))
          yield* Effect.sleep(numbers.length > 60 ? "800 millis" : "100 millis")
          numbers.forEach((n) => underWay.delete(n))
          return accept(request)
        }),
      )
      const logs = yield* recordLogs
      yield* spoolSamples(2000)
      yield* Effect.gen(function* () {
        yield* Layer.build(uploader)
        yield* Effect.repeatN(TestClock.adjust("500 millis"), 44)
        expect(yield* waiting).toBe(0)
      }).pipe(Effect.scoped, Effect.provide([stub.layer, logs.layer]))
      const sent = stub.requests.flatMap(numbersOf)
      expect(inBoth).toEqual([])
      expect(sent.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2000 }, (_, n) => n))
      expect(sent.slice(0, 60)).toEqual(Array.from({ length: 60 }, (_, n) => 1940 + n))
      expect(logs.lines.map(({ message }) => message)).toEqual([
        "Uploading a backlog behind the newest samples",
        "The backlog is uploaded",
      ])
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.effect("a new sample is there within a second while the backlog takes its time", () =>
    Effect.gen(function* () {
      const clock = yield* Effect.clock
      const arrivedAt = new Map<number, number>()
      const stub = stubServer((request) =>
        Effect.gen(function* () {
          const numbers = numbersOf(request)
          if (numbers.length > 60) yield* Effect.sleep("20 seconds")
          numbers.forEach((n) => arrivedAt.set(n, clock.unsafeCurrentTimeMillis()))
          return accept(request)
        }),
      )
      yield* spoolSamples(3000)
      yield* Effect.gen(function* () {
        yield* Layer.build(uploader)
        yield* TestClock.adjust("5 seconds")
        arrivedAt.clear()
        yield* spoolSamples(1)
        yield* TestClock.adjust("1 second")
        expect([...arrivedAt.keys()]).toContain(0)
      }).pipe(Effect.scoped, Effect.provide([stub.layer, (yield* recordLogs).layer]))
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.effect("only the first one asks while the server refuses the token", () =>
    Effect.gen(function* () {
      let refused = false
      const stub = stubServer((request) => (refused ? new Response(null, { status: 401 }) : accept(request)))
      yield* spoolSamples(2000)
      yield* Effect.gen(function* () {
        yield* Layer.build(uploader)
        yield* TestClock.adjust("10 millis")
        refused = true
        yield* spoolSamples(100)
        yield* TestClock.adjust("1 minute")
        const before = stub.requests.length
        yield* Effect.repeatN(TestClock.adjust("1 minute"), 9)
        expect(stub.requests.length - before).toBeLessThanOrEqual(11)
        refused = false
        yield* Effect.repeatN(TestClock.adjust("2 seconds"), 60)
        expect(yield* waiting).toBe(0)
      }).pipe(Effect.scoped, Effect.provide([stub.layer, (yield* recordLogs).layer]))
    }).pipe(Effect.provide(edgeInMemory)),
  )
})
