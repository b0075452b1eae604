import { createServer } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Layer, Logger, Option, Redacted } from "effect"
import { Redis } from "ioredis"
import { inject } from "vitest"
import { fromEpochMillis, type RealtimeState } from "../../src/domain/index.ts"
import { RealtimeCache } from "../../src/domain/ports/index.ts"
import { MemoryRealtimeCache } from "../../src/infra/memory/index.ts"
import { RedisRealtimeCache } from "../../src/infra/redis/index.ts"
import "../support/Provided.ts"

const state = (powerW: number): RealtimeState => ({
  deviceId: "home",
  ts: fromEpochMillis(1_705_312_800_123),
  powerW,
  importPowerW: powerW,
  energyImportKwh: 100.001,
  energyExportKwh: null,
  tariff: 1,
  powerL1W: powerW,
  powerL2W: null,
  powerL3W: null,
  voltageL1V: 230.1,
  voltageL2V: null,
  voltageL3V: null,
  currentL1A: null,
  currentL2A: null,
  currentL3A: null,
  quarter: {
    start: fromEpochMillis(1_705_312_800_000),
    end: fromEpochMillis(1_705_313_700_000),
    elapsedS: 0.123,
    energyImportKwh: 0.02,
    averageW: 1 / 3,
    certainW: 80,
    projectedW: 81,
    allowanceW: 2_500,
    coverage: 1,
  },
  month: { month: "2024-01", peakW: null, peakTs: null, source: null },
})

const behaves = (layer: Layer.Layer<RealtimeCache>, device: string): void => {
  const use = <A, E>(f: (cache: typeof RealtimeCache.Service) => Effect.Effect<A, E>) =>
    Effect.provide(Effect.flatMap(RealtimeCache, f), layer)

  it.live("gives back what was put, and nothing of another device", () =>
    use(({ get, put }) =>
      Effect.gen(function* () {
        expect(yield* get(`${device}-1`)).toEqual(Option.none())
        yield* put(`${device}-1`, 1, state(100))
        expect(yield* get(`${device}-1`)).toEqual(Option.some(state(100)))
        expect(yield* get(`${device}-2`)).toEqual(Option.none())
      }),
    ),
  )

  it.live("never goes back to a lower revision, also when the state has expired", () =>
    use(({ get, put }) =>
      Effect.gen(function* () {
        yield* put(`${device}-3`, 5, state(500))
        yield* put(`${device}-3`, 4, state(400))
        expect(yield* get(`${device}-3`)).toEqual(Option.some(state(500)))
        yield* put(`${device}-3`, 10, state(1_000))
        expect(yield* get(`${device}-3`)).toEqual(Option.some(state(1_000)))
        yield* Effect.sleep("2200 millis")
        expect(yield* get(`${device}-3`)).toEqual(Option.none())
        yield* put(`${device}-3`, 9, state(900))
        expect(yield* get(`${device}-3`)).toEqual(Option.none())
        yield* put(`${device}-3`, 10, state(1_000))
        expect(yield* get(`${device}-3`)).toEqual(Option.some(state(1_000)))
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

const redisUrl = inject("redisUrl")

describe.skipIf(redisUrl === undefined)("the cache in Redis (skipped where redis-server is not installed)", () => {
  const url = redisUrl ?? ""
  const layer = RedisRealtimeCache.layer({ url: Redacted.make(url) })
  behaves(layer, "home")

  const admin = Effect.acquireRelease(
    Effect.sync(() => new Redis(url)),
    (redis) => Effect.sync(() => redis.disconnect()),
  )

  it.live("says which Redis it is", () =>
    Effect.provide(
      Effect.map(RealtimeCache, ({ description }) => {
        expect(description).toMatch(/^Redis \d+\.\d+\.\d+$/)
      }),
      layer,
    ),
  )

  it.scopedLive("takes what it cannot read for nothing", () =>
    Effect.gen(function* () {
      const redis = yield* admin
      const { get } = yield* RealtimeCache
      yield* Effect.promise(() => redis.set("p1:realtime:{broken}", '{"device_id":5}'))
      expect(yield* get("broken")).toEqual(Option.none())
    }).pipe(Effect.provide(layer)),
  )

  it.scopedLive("gives nothing when Redis is slow, within 100 ms and not again for a second, and then recovers", () => {
    const { logged, watch } = watched()
    return Effect.gen(function* () {
      const redis = yield* admin
      const { get, put } = yield* RealtimeCache
      yield* put("home", 1, state(100))
      yield* Effect.promise(() => redis.client("PAUSE", 600, "ALL"))
      const [first, found] = yield* Effect.timed(get("home"))
      expect(found).toEqual(Option.none())
      expect(Duration.toMillis(first)).toBeLessThan(160)
      const [rest] = yield* Effect.timed(Effect.all([get("home"), put("home", 2, state(200)), get("home")]))
      expect(Duration.toMillis(rest)).toBeLessThan(20)
      yield* Effect.sleep("1200 millis")
      yield* put("home", 3, state(300))
      expect(yield* get("home")).toEqual(Option.some(state(300)))
      expect(logged).toEqual(["Redis does not answer; the store answers instead", "Redis answers again"])
    }).pipe(Effect.provide(Layer.provideMerge(layer, watch)))
  })
})

describe("a Redis that is not there", () => {
  it.scopedLive("costs nothing but the cache, and is said once", () => {
    const { logged, watch } = watched()
    return Effect.gen(function* () {
      const { description, get, put } = yield* RealtimeCache
      yield* put("home", 1, state(100))
      expect(yield* get("home")).toEqual(Option.none())
      expect(description).toBe("Redis, not reached yet")
      yield* Effect.sleep("1500 millis")
      expect(logged).toEqual(["Redis does not answer; the store answers instead"])
    }).pipe(
      Effect.provide(
        Layer.provideMerge(RedisRealtimeCache.layer({ url: Redacted.make("redis://127.0.0.1:1") }), watch),
      ),
    )
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
      const layer = RedisRealtimeCache.layer({ url: Redacted.make(`redis://127.0.0.1:${port}`) })
      yield* Effect.gen(function* () {
        const { get } = yield* RealtimeCache
        expect(yield* get("home").pipe(Effect.timeout("150 millis"))).toEqual(Option.none())
      }).pipe(Effect.provide(layer), Effect.timeout("5 seconds"))
    }),
  )
})
