import { createServer } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import { Array, Chunk, Duration, Effect, Fiber, Layer, Logger, Option, Redacted, Schedule, Stream } from "effect"
import { Redis } from "ioredis"
import { inject } from "vitest"
import { RealtimeCache, type RealtimeDocument } from "../../src/domain/ports/index.ts"
import { MemoryRealtimeCache } from "../../src/infra/memory/index.ts"
import { RedisCaches } from "../../src/infra/redis/index.ts"
import "../support/Provided.ts"
import { startRedis } from "../support/RedisServer.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"

const documentOf = (revision: number): RealtimeDocument => ({
  revision,
  tsMs: 1_705_312_800_123,
  json: `{"device_id":"home","power_w":${revision}.5}`,
})

const put = (cache: typeof RealtimeCache.Service, deviceId: string, revision: number) =>
  cache.fill(deviceId, Effect.succeedSome(documentOf(revision)))
const found = (revision: number) => Option.some(documentOf(revision))

const behaves = (layer: Layer.Layer<RealtimeCache>, device: string): void => {
  const use = <A, E>(f: (cache: typeof RealtimeCache.Service) => Effect.Effect<A, E>) =>
    Effect.provide(Effect.flatMap(RealtimeCache, f), layer)

  it.live("gives back what was put, and nothing of another device", () =>
    use((cache) =>
      Effect.gen(function* () {
        expect(yield* cache.get(`${device}-1`)).toEqual(Option.none())
        expect(yield* put(cache, `${device}-1`, 1)).toEqual(found(1))
        expect(yield* cache.get(`${device}-1`)).toEqual(found(1))
        expect(yield* cache.get(`${device}-2`)).toEqual(Option.none())
      }),
    ),
  )

  it.live("never goes back to a lower revision, also when the document has expired", () =>
    use((cache) =>
      Effect.gen(function* () {
        const at = `${device}-3`
        yield* put(cache, at, 5)
        yield* put(cache, at, 4)
        expect(yield* cache.get(at)).toEqual(found(5))
        yield* put(cache, at, 10)
        expect(yield* cache.get(at)).toEqual(found(10))
        yield* Effect.sleep("2200 millis")
        expect(yield* cache.get(at)).toEqual(Option.none())
        yield* put(cache, at, 9)
        expect(yield* cache.get(at)).toEqual(Option.none())
        yield* put(cache, at, 10)
        expect(yield* cache.get(at)).toEqual(found(10))
      }),
    ),
  )

  it.live("announces each new revision once, to those who read the device", () =>
    use((cache) =>
      Effect.gen(function* () {
        const heard = yield* Stream.runCollect(Stream.take(cache.updates(`${device}-4`), 2)).pipe(Effect.fork)
        yield* Effect.sleep("100 millis")
        for (const revision of [3, 2, 3, 4]) yield* put(cache, `${device}-4`, revision)
        yield* put(cache, `${device}-5`, 9)
        expect(Chunk.toReadonlyArray(yield* Fiber.join(heard))).toEqual([documentOf(3), documentOf(4)])
      }),
    ),
  )
}

describe("the cache in memory", () => {
  behaves(MemoryRealtimeCache.layer, "home")
})

/** A logger that keeps the messages. */
const watched = () => {
  const logged: Array<string> = []
  return {
    logged,
    watch: Logger.replace(
      Logger.defaultLogger,
      Logger.make(({ message }) => logged.push(String(message))),
    ),
  }
}

const layerRedis = (url: string) => RedisCaches.layer({ url: Redacted.make(url) })

const redisUrl = inject("redisUrl")

describe.skipIf(redisUrl === undefined)("the cache in Redis (skipped where redis-server is not installed)", () => {
  const url = redisUrl ?? ""
  const layer = layerRedis(url)
  behaves(layer, "home")

  const connection = (to: string) =>
    Effect.acquireRelease(
      Effect.sync(() => new Redis(to)),
      (redis) => Effect.sync(() => redis.disconnect()),
    )
  const admin = connection(url)

  it.live("says which Redis it is", () =>
    Effect.provide(
      Effect.map(RealtimeCache, ({ description }) => {
        expect(description).toMatch(/^Redis \d+\.\d+\.\d+$/)
      }),
      layer,
    ),
  )

  it.scopedLive("takes what it cannot read, and keys of another type, for nothing, and puts them right", () =>
    Effect.gen(function* () {
      const redis = yield* admin
      const cache = yield* RealtimeCache
      yield* Effect.promise(() => redis.set("p1:realtime:1:{broken}", '{"device_id":5}'))
      expect(yield* cache.get("broken")).toEqual(Option.none())
      yield* Effect.promise(() => redis.multi().del("p1:realtime:1:{broken}").lpush("p1:realtime:1:{broken}", 1).exec())
      yield* Effect.promise(() => redis.lpush("p1:realtime:1:{broken}:mark", 1))
      expect(yield* cache.get("broken")).toEqual(Option.none())
      yield* put(cache, "broken", 1)
      expect(yield* cache.get("broken")).toEqual(found(1))
    }).pipe(Effect.provide(layer)),
  )

  it.scopedLive("does not take a document that was begun before a flush: a newer one may have been read", () =>
    Effect.gen(function* () {
      const redis = yield* admin
      const slow = yield* Effect.provide(RealtimeCache, layer)
      const quick = yield* RealtimeCache
      yield* put(slow, "flushed", 4)
      const reading = yield* Effect.makeLatch()
      const late = yield* Effect.fork(slow.fill("flushed", Effect.as(reading.await, found(5))))
      yield* Effect.sleep("50 millis")
      yield* put(quick, "flushed", 6)
      expect(yield* quick.get("flushed")).toEqual(found(6))
      yield* Effect.promise(() => redis.del("p1:realtime:1:{flushed}", "p1:realtime:1:{flushed}:mark"))
      yield* reading.open
      yield* Fiber.join(late)
      expect(yield* quick.get("flushed")).toEqual(Option.none())
      yield* put(quick, "flushed", 6)
      expect(yield* quick.get("flushed")).toEqual(found(6))
    }).pipe(Effect.provide(layer)),
  )

  it.scopedLive(
    "gives nothing when Redis is slow, waits for it once and not at each reading, and then recovers",
    () => {
      const { logged, watch } = watched()
      return Effect.gen(function* () {
        const redis = yield* admin
        const cache = yield* RealtimeCache
        yield* put(cache, "home", 1)
        yield* Effect.promise(() => redis.client("PAUSE", 3_000, "ALL"))
        const [first, nothing] = yield* Effect.timed(cache.get("home"))
        expect(nothing).toEqual(Option.none())
        expect(Duration.toMillis(first)).toBeLessThan(2_000)
        const [rest] = yield* Effect.timed(
          Effect.all(Array.makeBy(50, () => Effect.zipRight(cache.get("home"), put(cache, "home", 2)))),
        )
        expect(Duration.toMillis(rest)).toBeLessThan(1_000)
        yield* put(cache, "home", 3).pipe(
          Effect.zipRight(cache.get("home")),
          Effect.repeat({ until: Option.isSome, schedule: Schedule.spaced("200 millis"), times: 50 }),
        )
        expect(yield* cache.get("home")).toEqual(found(3))
        expect(logged).toEqual(["Redis does not answer; the store answers instead", "Redis answers again"])
      }).pipe(Effect.provide(Layer.provideMerge(layer, watch)))
    },
  )

  it.scopedLive("goes on reading from a Redis that is full", () => {
    const { logged, watch } = watched()
    return Effect.gen(function* () {
      const own = yield* startRedis(yield* temporaryFolder)
      const redis = yield* connection(own?.url ?? "")
      yield* Effect.gen(function* () {
        const cache = yield* RealtimeCache
        yield* put(cache, "full", 1)
        yield* Effect.promise(() => redis.config("SET", "maxmemory", "1"))
        expect(yield* put(cache, "full", 2)).toEqual(found(2))
        expect(yield* cache.get("full")).toEqual(found(1))
      }).pipe(Effect.provide(layerRedis(own?.url ?? "")))
      expect(logged).toEqual(["Redis refuses a command; the store answers instead"])
    }).pipe(Effect.provide(watch))
  })
})

describe("a Redis that is not there", () => {
  it.scopedLive("costs nothing but the cache, and is said once", () => {
    const { logged, watch } = watched()
    return Effect.gen(function* () {
      const cache = yield* RealtimeCache
      yield* put(cache, "home", 1)
      expect(yield* cache.get("home")).toEqual(Option.none())
      expect(cache.description).toBe("Redis, not reached yet")
      yield* Effect.sleep("1500 millis")
      expect(logged).toEqual(["Redis does not answer; the store answers instead"])
    }).pipe(Effect.provide(Layer.provideMerge(layerRedis("redis://127.0.0.1:1"), watch)))
  })

  it.scopedLive("that takes connections and never answers delays neither the start nor a request for long", () =>
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(
        Effect.async<ReturnType<typeof createServer>>((resume) => {
          const made = createServer((socket) => socket.on("error", () => undefined))
          made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
        }),
        (made) => Effect.sync(() => made.close()),
      )
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const layer = layerRedis(`redis://127.0.0.1:${port}`)
      yield* Effect.gen(function* () {
        const { get } = yield* RealtimeCache
        expect(yield* get("home").pipe(Effect.timeout("150 millis"))).toEqual(Option.none())
      }).pipe(Effect.provide(layer), Effect.timeout("5 seconds"))
    }),
  )
})
