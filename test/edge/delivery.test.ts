import { join } from "node:path"
import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { DateTime, Effect, FastCheck as fc, Option, Redacted, Ref, Runtime, TestClock } from "effect"
import { fromEpochMillis, type Instant } from "../../src/domain/index.ts"
import { Spool } from "../../src/domain/ports/index.ts"
import { deliveryOptions, EdgeStatus, makeUploadOnce, MeteredPeaks } from "../../src/edge/index.ts"
import { SqliteSpool } from "../../src/infra/sqlite/index.ts"
import { sampleAt } from "../infra/samples.ts"
import { batchOf, edgeInMemory, edgeOn, type SentRequest, spoolSamples, state, stubServer } from "./support/edge.ts"

const acceptAll = (request: SentRequest) => {
  const { length } = batchOf(request).samples
  return Response.json({ received: length, inserted: length, duplicates: 0, conflicts: 0, rejected: [] })
}
const status = (code: number) => new Response(null, { status: code })

/** The sample that was spooled as number `n` says 1000 + n watts. */
const numbersOf = (request: SentRequest): ReadonlyArray<number> =>
  batchOf(request).samples.map(({ powerW }) => powerW - 1000)

/** A server that refuses every batch with one of some samples in it, and takes all others. */
const refusing = (poison: ReadonlySet<number>, code = 400) =>
  stubServer((request) => (numbersOf(request).some((n) => poison.has(n)) ? status(code) : acceptAll(request)))

const upload = (server: ReturnType<typeof stubServer>, options: Partial<typeof deliveryOptions> = {}) =>
  makeUploadOnce(
    { url: "https://p1.example.org", token: Effect.succeed(Redacted.make("p1d_secret")) },
    { ...deliveryOptions, ...options },
  ).pipe(
    Effect.provide(server.layer),
    Effect.map(({ uploadOldest }) => Effect.map(uploadOldest, ({ settled }) => settled)),
  )

const drain = (uploadOnce: Effect.Effect<number, unknown>) =>
  Effect.repeat(uploadOnce, { until: (settled) => settled === 0 })

const left = Effect.flatMap(Spool, ({ status }) => Effect.map(status, ({ waiting }) => waiting))

const acceptedBy = (server: ReturnType<typeof stubServer>, poison: ReadonlySet<number>) =>
  server.requests
    .map(numbersOf)
    .filter((numbers) => !numbers.some((n) => poison.has(n)))
    .flat()

describe("a batch that is refused as a whole", () => {
  const batch = 32
  const poisons = fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { maxLength: 12 })

  it.effect.prop(
    "is halved down to the poison, wherever it is: the rest is delivered once, at few requests",
    [poisons, fc.constantFrom(400, 409, 422, 413)],
    ([positions, code]) =>
      Effect.gen(function* () {
        const poison = new Set(positions)
        const server = refusing(poison, code)
        yield* spoolSamples(60)
        yield* drain(yield* upload(server, { largestBatch: batch }))
        const healthy = Array.from({ length: 60 }, (_, n) => n).filter((n) => !poison.has(n))
        expect(acceptedBy(server, poison).toSorted((a, b) => a - b)).toEqual(healthy)
        expect(yield* state).toMatchObject({ uploaded: healthy.length, quarantined: poison.size })
        expect(yield* left).toBe(0)
        if (code === 413) return
        const perPoison = 2 * Math.ceil(Math.log2(batch)) + 2
        expect(server.requests.length).toBeLessThanOrEqual(Math.ceil(60 / batch) + poison.size * perPoison)
      }).pipe(Effect.provide(edgeInMemory)),
    { fastCheck: { numRuns: 15, seed: 4 } },
  )

  it.effect("may be poison from the first to the last", () =>
    Effect.gen(function* () {
      const server = refusing(new Set(Array.from({ length: 16 }, (_, n) => n)))
      yield* spoolSamples(40)
      yield* drain(yield* upload(server, { largestBatch: 16 }))
      expect(yield* state).toMatchObject({ uploaded: 24, quarantined: 16 })
      expect(yield* left).toBe(0)
    }).pipe(Effect.provide(edgeInMemory)),
  )

  /** What a server that refuses everything makes of a spool, minute after minute. */
  const refusedForHours = (believedRefusals: number) =>
    Effect.gen(function* () {
      const server = stubServer(() => status(400))
      yield* spoolSamples(100)
      const uploadOnce = yield* upload(server, { believedRefusals })
      const failures = yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.flip(uploadOnce))
      return { failures, ...(yield* state), waiting: yield* left, requests: server.requests.length }
    }).pipe(Effect.provide(edgeInMemory))

  it.effect("is not believed any more when the server refuses one after the other", () =>
    Effect.gen(function* () {
      const { failures, quarantined, requests, waiting } = yield* refusedForHours(deliveryOptions.believedRefusals)
      expect(quarantined).toBe(20)
      expect(waiting).toBe(80)
      expect(new Set(failures.map((failure) => "kind" in failure && failure.kind))).toEqual(new Set(["Held"]))
      expect(requests).toBeLessThan(150)
    }),
  )

  it.effect("would take the whole spool into quarantine without that rule", () =>
    Effect.gen(function* () {
      const outcome = yield* Effect.exit(refusedForHours(Infinity))
      expect(outcome._tag).toBe("Failure")
    }),
  )

  it.effect("goes on past a refused stretch that is longer than the rule, as soon as anything else is taken", () =>
    Effect.gen(function* () {
      const poison = new Set(Array.from({ length: 30 }, (_, n) => n))
      const server = refusing(poison)
      yield* spoolSamples(40)
      const { uploadNewest, uploadOldest } = yield* makeUploadOnce(
        { url: "https://p1.example.org", token: Effect.succeed(Redacted.make("p1d_secret")) },
        { ...deliveryOptions, largestBatch: 4 },
      ).pipe(Effect.provide(server.layer))
      yield* Effect.flip(Effect.forever(uploadOldest))
      expect(yield* state).toMatchObject({ quarantined: 20, uploaded: 0 })
      yield* uploadNewest
      yield* Effect.repeat(uploadOldest, { until: ({ settled }) => settled === 0 })
      expect(yield* state).toMatchObject({ quarantined: 30, uploaded: 10 })
      expect(yield* left).toBe(0)
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.effect("is sent without the meter's own peaks first, and those are left aside when they were it", () =>
    Effect.gen(function* () {
      const server = stubServer((request) =>
        (batchOf(request).meteredPeaks ?? []).length > 0 ? status(400) : acceptAll(request),
      )
      const peaks = yield* MeteredPeaks
      yield* peaks.read([{ month: "2026-01", peakW: 4000, peakTs: null }])
      yield* spoolSamples(3)
      const uploadOnce = yield* upload(server)
      expect(yield* uploadOnce).toBe(3)
      yield* spoolSamples(2)
      expect(yield* uploadOnce).toBe(2)
      expect(server.requests).toHaveLength(3)
      expect(yield* state).toMatchObject({ uploaded: 5, quarantined: 0 })
    }).pipe(Effect.provide(edgeInMemory)),
  )
})

describe("a batch that is too large", () => {
  it.effect("is halved, the size that was taken is kept to, and more is tried again much later", () =>
    Effect.gen(function* () {
      const server = stubServer((request) => (numbersOf(request).length > 12 ? status(413) : acceptAll(request)))
      yield* spoolSamples(600)
      yield* drain(yield* upload(server, { largestBatch: 40 }))
      const sizes = server.requests.map((request) => numbersOf(request).length)
      expect(sizes.slice(0, 6)).toEqual([40, 20, 10, 10, 20, 10])
      expect(sizes.filter((size) => size > 12)).toHaveLength(4)
      expect(yield* state).toMatchObject({ uploaded: 600, quarantined: 0 })
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.effect("is judged in all its parts by the clock as it was when the batch began", () =>
    Effect.gen(function* () {
      const setMs = Date.UTC(2026, 6, 14)
      const edgeStatus = yield* EdgeStatus
      const spool = yield* Spool
      const tellTs = (ts: Instant) => Ref.update(edgeStatus, (now) => ({ ...now, lastSampleTs: Option.some(ts) }))
      const setsTheClock = Effect.zipRight(
        spool.retime(fromEpochMillis(0), fromEpochMillis(Date.UTC(2020)), setMs),
        tellTs(fromEpochMillis(setMs)),
      )
      const runtime = yield* Effect.runtime()
      const server = stubServer((request) => {
        const { length } = numbersOf(request)
        if (length > 1) return status(413)
        Runtime.runSync(runtime)(setsTheClock)
        const { samples } = batchOf(request)
        const rejected = samples.flatMap(({ ts }, index) =>
          ts.epochMillis < Date.UTC(2020) ? [{ index, code: "before_2020", message: "old" }] : [],
        )
        const inserted = length - rejected.length
        return Response.json({ received: length, inserted, duplicates: 0, conflicts: 0, rejected })
      })
      for (const second of [1, 2]) {
        yield* spool.append({ ...sampleAt(second), ts: fromEpochMillis(second * 1000) }, null)
      }
      yield* tellTs(fromEpochMillis(2_000))
      yield* drain(yield* upload(server))
      expect(yield* state).toMatchObject({ quarantined: 0 })
      yield* TestClock.adjust("2 minutes")
      yield* drain(yield* upload(server))
      expect(yield* state).toMatchObject({ uploaded: 2, quarantined: 0 })
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.scoped("is not tried again after a restart, until more has been taken for long", () =>
    Effect.gen(function* () {
      const folder = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
      /** One life of an edge: the sizes of the batches it sends to a server that takes so many samples. */
      const live = (samples: number, most: number) =>
        Effect.gen(function* () {
          const server = stubServer((request) => (numbersOf(request).length > most ? status(413) : acceptAll(request)))
          yield* spoolSamples(samples)
          yield* drain(yield* upload(server, { largestBatch: 40 }))
          return server.requests.map((request) => numbersOf(request).length)
        }).pipe(Effect.provide(edgeOn(SqliteSpool.layer({ filename: join(folder, "spool.sqlite") }))))

      expect(yield* live(20, 12)).toEqual([20, 10, 10])
      expect(yield* live(20, 12)).toEqual([10, 10])
      expect((yield* live(560, 40)).slice(48)).toEqual([10, 10, 20, 20, 20])
      expect(yield* live(40, 40)).toEqual([20, 20])
    }).pipe(Effect.provide(NodeContext.layer)),
  )

  it.effect("costs 20 samples their place at most when every one is too large", () =>
    Effect.gen(function* () {
      yield* spoolSamples(100)
      const failure = yield* Effect.flip(drain(yield* upload(stubServer(() => status(413)))))
      expect(failure).toMatchObject({ kind: "Held" })
      expect(yield* left).toBe(80)
    }).pipe(Effect.provide(edgeInMemory)),
  )
})

describe("a reply that accounts for nothing", () => {
  const replies = [
    ["a web page", () => new Response("<html>log in to the wifi</html>")],
    [
      "a sum that is wrong",
      () => Response.json({ received: 9, inserted: 9, duplicates: 0, conflicts: 0, rejected: [] }),
    ],
  ] as const

  it.effect.each(replies)("%s: three times, then it needs somebody's hand; nothing leaves the spool", ([, answer]) =>
    Effect.gen(function* () {
      let portal = true
      const server = stubServer((request) => (portal ? answer() : acceptAll(request)))
      yield* spoolSamples(2)
      const uploadOnce = yield* upload(server)
      const kinds = yield* Effect.forEach([1, 2, 3, 4], () =>
        Effect.map(Effect.flip(uploadOnce), (failure) => "kind" in failure && failure.kind),
      )
      expect(kinds).toEqual(["Unbelieved", "Unbelieved", "Held", "Held"])
      expect(yield* left).toBe(2)
      portal = false
      expect(yield* uploadOnce).toBe(2)
      portal = true
      yield* spoolSamples(1)
      expect(yield* Effect.flip(uploadOnce)).toMatchObject({ kind: "Unbelieved" })
    }).pipe(Effect.provide(edgeInMemory)),
  )
})

describe("clock steps", () => {
  it.effect("neither order nor deletion follow ts: a sample that seems older than one under way is not lost", () =>
    Effect.gen(function* () {
      const spool = yield* Spool
      const server = stubServer((request, n) =>
        Effect.gen(function* () {
          if (n === 1) yield* spoolSamples(1)
          return acceptAll(request)
        }).pipe(Effect.provideService(Spool, spool)),
      )
      yield* spoolSamples(5)
      const uploadOnce = yield* upload(server)
      expect(yield* uploadOnce).toBe(5)
      const rest = yield* Effect.scoped(spool.oldest(10, DateTime.unsafeMake("2100-01-01")))
      expect(rest.map(({ sample }) => sample.powerW)).toEqual([1000])
      expect(yield* uploadOnce).toBe(1)
      expect(server.requests.map((request) => numbersOf(request))).toEqual([[0, 1, 2, 3, 4], [0]])
    }).pipe(Effect.provide(edgeInMemory)),
  )
})
