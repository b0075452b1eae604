import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Redacted } from "effect"
import { Redis } from "ioredis"
import { inject } from "vitest"
import { AnswerCache, Store } from "../../src/domain/ports/index.ts"
import { MemoryCaches } from "../../src/infra/memory/index.ts"
import { RedisCaches } from "../../src/infra/redis/index.ts"
import "../support/Provided.ts"
import { batchOf, sampleAt } from "../support/Samples.ts"
import { call, layerServer, memoryPorts, type Ports, Running, send } from "./support/server.ts"

const quarter = (day: number) => Date.UTC(2024, 0, day, 10)
const day = (of: number, powerW = 1_000) => ({
  samples: [0, 450, 900].map((second) => ({
    ts: new Date(quarter(of) + second * 1000).toISOString(),
    power_w: powerW,
    energy_import_kwh: 100 + of + (second * powerW) / 3_600_000_000,
  })),
})

const month = "/v1/capacity/month/2024-01"

/** The ports in memory, with a store that counts how often quarter-hours are read, and takes its time. */
const counted = () => {
  const reads = { count: 0 }
  const ports = Layer.map(memoryPorts, (context): Context.Context<Ports> => {
    const store = Context.get(context, Store)
    return Context.add(context, Store, {
      ...store,
      quarterHours: (...args) =>
        Effect.suspend(() => {
          reads.count += 1
          return Effect.delay(store.quarterHours(...args), "50 millis")
        }),
    })
  })
  return { reads, ports }
}

describe("an answer about a device's history", () => {
  it.live("is computed once for a revision, and anew for the next", () => {
    const { ports, reads } = counted()
    return Effect.gen(function* () {
      const { home, homeReader } = yield* Running
      yield* send(home, day(5))
      reads.count = 0
      const ask = call(month, { token: homeReader })
      const replies = yield* Effect.all(
        Array.from({ length: 20 }, () => ask),
        { concurrency: "unbounded" },
      )
      expect(new Set(replies.map(({ text }) => text)).size).toBe(1)
      expect(reads.count).toBe(1)
      yield* send(home, day(6, 4_000))
      reads.count = 0
      expect((yield* ask).text).not.toBe(replies[0]?.text)
      expect((yield* ask).status).toBe(200)
      expect(reads.count).toBe(1)
    }).pipe(Effect.provide(layerServer(ports)))
  })

  it.live("is another for every other parameter, device and reader", () => {
    const { ports } = counted()
    return Effect.gen(function* () {
      const { barn, bothReader, home, homeReader } = yield* Running
      yield* send(home, day(5))
      yield* send(barn, day(7))
      const one = yield* call(`${month}?top=1`, { token: homeReader })
      const two = yield* call(`${month}?top=2`, { token: homeReader })
      expect([one.json, two.json]).toMatchObject([{ peaks: [{}] }, { peaks: [{}, {}] }])
      const other = yield* call(`${month}?device_id=barn&top=1`, { token: bothReader })
      expect(other.json).toMatchObject({ device_id: "barn", peaks: [{ bucket: "2024-01-07T10:00:00.000Z" }] })
      expect((yield* call(`${month}?device_id=barn&top=1`, { token: homeReader })).status).toBe(403)
      const hours = yield* call("/v1/series?frame=day&at=2024-01-05", { token: homeReader })
      const days = yield* call("/v1/series?frame=week&at=2024-01-05", { token: homeReader })
      expect([hours.json, days.json]).toMatchObject([{ bucket: "hour" }, { bucket: "day" }])
    }).pipe(Effect.provide(layerServer(ports)))
  })

  it.live("has an ETag, and is not sent to who has it", () =>
    Effect.gen(function* () {
      const { home, homeReader } = yield* Running
      yield* send(home, day(5))
      const first = yield* call(month, { token: homeReader })
      const etag = first.headers.get("etag") ?? ""
      expect(etag).toMatch(/^"[\w-]{22}"$/)
      expect(first.headers.get("cache-control")).toBe("private, no-cache")
      for (const has of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const again = yield* call(month, { token: homeReader, headers: { "if-none-match": has } })
        expect([again.status, again.text, again.headers.get("etag")]).toEqual([304, "", etag])
      }
      const other = yield* call(month, { token: homeReader, headers: { "if-none-match": '"other"' } })
      expect([other.status, other.text]).toEqual([200, first.text])
      yield* send(home, day(6, 4_000))
      const changed = yield* call(month, { token: homeReader, headers: { "if-none-match": etag } })
      expect(changed.status).toBe(200)
      expect(changed.headers.get("etag")).not.toBe(etag)
      expect((yield* call("/v1/capacity/month/2031-01", { token: homeReader })).status).toBe(404)
    }).pipe(Effect.provide(layerServer(memoryPorts))),
  )

  it.live("is never older by more than two seconds, also of what another process stored", () =>
    Effect.gen(function* () {
      const { home, homeReader } = yield* Running
      yield* send(home, day(5))
      yield* call(month, { token: homeReader })
      const store = yield* Store
      yield* store.ingest("home", batchOf([0, 900].map((second) => sampleAt(quarter(8) + second * 1000))))
      yield* Effect.sleep("1500 millis")
      const later = yield* call(month, { token: homeReader })
      expect(later.text).toContain("2024-01-08T10:00:00.000Z")
    }).pipe(Effect.provide(layerServer(memoryPorts))),
  )
})

const answer = { contentType: "text/csv; charset=utf-8", etag: '"abc"', body: 'a,b\n1,"x\ny"\n' }

const keeps = (layer: Layer.Layer<AnswerCache>): void => {
  it.effect("gives back what was put, to the letter", () =>
    Effect.gen(function* () {
      const cache = yield* AnswerCache
      const key = crypto.randomUUID()
      expect(yield* cache.get(key)).toEqual(Option.none())
      yield* cache.put(key, answer)
      expect(yield* cache.get(key)).toEqual(Option.some(answer))
    }).pipe(Effect.provide(layer)),
  )
}

describe("answers in memory", () => {
  keeps(MemoryCaches.layer)

  it.effect("are bounded: the oldest are forgotten", () =>
    Effect.gen(function* () {
      const cache = yield* AnswerCache
      const large = { ...answer, body: "x".repeat(5_000_000) }
      for (const key of ["1", "2", "3", "4"]) yield* cache.put(key, large)
      expect(Option.isNone(yield* cache.get("1"))).toBe(true)
      expect(Option.isSome(yield* cache.get("4"))).toBe(true)
    }).pipe(Effect.provide(MemoryCaches.layer)),
  )
})

const redisUrl = inject("redisUrl")

describe.skipIf(redisUrl === undefined)("answers in Redis (skipped where it is not installed)", () => {
  const layer = RedisCaches.layer({ url: Redacted.make(redisUrl ?? "") })
  keeps(layer)

  it.live("that cannot be read are none", () =>
    Effect.gen(function* () {
      const cache = yield* AnswerCache
      const redis = new Redis(redisUrl ?? "")
      yield* Effect.promise(() => redis.set("p1:answer:1:broken", "<html>"))
      yield* Effect.promise(() => redis.lpush("p1:answer:1:list", 1))
      redis.disconnect()
      expect(yield* cache.get("broken")).toEqual(Option.none())
      expect(yield* cache.get("list")).toEqual(Option.none())
    }).pipe(Effect.provide(layer)),
  )
})
