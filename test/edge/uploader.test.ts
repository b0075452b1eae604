import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Redacted, TestClock } from "effect"
import * as Uploader from "../../src/edge/Uploader.ts"
import { edgeInMemory, recordLogs, spoolSamples, stubServer, waiting } from "./support/edge.ts"

const server = { url: "https://p1.example.org", token: Effect.succeed(Redacted.make("p1d_secret")) }
const uploader = Uploader.layer({ server, interval: "1 second" })

const accept = (n: number) => Response.json({ received: n, inserted: n, duplicates: 0, conflicts: 0, rejected: [] })

/** Runs the uploader against answers for some minutes: when it asked, what it said, and what is left. */
const run = (minutes: number, answer: (n: number) => Response) =>
  Effect.gen(function* () {
    const logs = yield* recordLogs
    const clock = yield* Effect.clock
    const askedAt: Array<number> = []
    const stub = stubServer((_, n) => {
      askedAt.push(clock.unsafeCurrentTimeMillis())
      return answer(n)
    })
    yield* spoolSamples(3)
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* Layer.build(uploader)
        yield* TestClock.adjust(0)
        yield* Effect.repeatN(TestClock.adjust("30 seconds"), minutes * 2 - 1)
      }),
    ).pipe(Effect.provide([stub.layer, logs.layer]))
    return { askedAt, lines: logs.lines, left: yield* waiting }
  }).pipe(Effect.provide(edgeInMemory))

describe("the uploader", () => {
  it.effect("keeps everything while its token is refused, asks once a minute, says so once, and goes on", () =>
    Effect.gen(function* () {
      const { askedAt, left, lines } = yield* run(12, (n) =>
        n <= 10 ? new Response(null, { status: 401 }) : accept(3),
      )
      expect(askedAt).toEqual(Array.from({ length: 11 }, (_, n) => n * 60_000))
      expect(lines.map(({ message }) => message)).toEqual([
        "Samples not uploaded, all are kept",
        "The server takes samples again",
      ])
      expect(lines[0]?.["reason"]).toContain("set VPS_DEVICE_TOKEN, or its file, to one it knows")
      expect(left).toBe(0)
    }),
  )

  it.effect("keeps trying a server that is down, and says so at most once a minute", () =>
    Effect.gen(function* () {
      const { askedAt, left, lines } = yield* run(10, () => new Response(null, { status: 503 }))
      expect(askedAt.length).toBeGreaterThan(12)
      expect(lines.length).toBeLessThanOrEqual(10)
      expect(lines.map(({ times }) => Number(times)).reduce((sum, times) => sum + times, 0)).toBeLessThanOrEqual(
        askedAt.length,
      )
      expect(left).toBe(3)
    }),
  )

  it.effect("leaves a server alone for as long as it asks", () =>
    Effect.gen(function* () {
      const busy = () => new Response(null, { status: 429, headers: { "retry-after": "240" } })
      const { askedAt, left } = yield* run(9, (n) => (n < 3 ? busy() : accept(3)))
      expect(askedAt).toEqual([0, 240_000, 480_000])
      expect(left).toBe(0)
    }),
  )

  it.effect("starts from short waits again after a success", () =>
    Effect.gen(function* () {
      const clock = yield* Effect.clock
      const askedAt: Array<number> = []
      const stub = stubServer((_, n) => {
        askedAt.push(clock.unsafeCurrentTimeMillis())
        return n === 20 ? accept(1) : new Response(null, { status: 500 })
      })
      yield* Effect.gen(function* () {
        yield* spoolSamples(1)
        yield* Layer.build(uploader)
        yield* Effect.repeat(Effect.zipRight(TestClock.adjust("10 seconds"), waiting), { until: (left) => left === 0 })
        yield* spoolSamples(1)
        yield* TestClock.adjust("4 seconds")
      }).pipe(Effect.scoped, Effect.provide([stub.layer, edgeInMemory]))
      expect(askedAt.length).toBeGreaterThanOrEqual(22)
    }),
  )
})
