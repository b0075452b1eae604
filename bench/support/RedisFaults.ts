import { Effect, Schedule } from "effect"
import { Redis } from "ioredis"
import { type Fault, faultProxy } from "../../test/support/FaultProxy.ts"
import { freePort } from "../../test/support/FreePort.ts"
import { start } from "../../test/support/Programs.ts"
import { openLoop } from "./OpenLoop.ts"
import * as Report from "./Report.ts"

const perSecond = 50
const seconds = 2
const networkFaults: Readonly<Record<string, Fault>> = {
  down: { down: true },
  "black-holed": { blackHole: true },
  "slow by 2 s": { latencyMs: 2_000 },
}
const spoilEvery = "50 millis"

const spoiledKeys = async (redis: Redis): Promise<void> => {
  for (const key of await redis.keys("p1:realtime:*")) await redis.multi().del(key).lpush(key, "x").exec()
}
const redisFaults: Readonly<Record<string, (redis: Redis) => Promise<unknown>>> = {
  "flushed 20 times a second": (redis) => redis.flushall(),
  "of wrong types": spoiledKeys,
  full: (redis) => redis.config("SET", "maxmemory", "1"),
}

/** Realtime through a server of its own while Redis, or the network to it, is sick, beside the same while it is well. */
export const measureRedisFaults = (env: Readonly<Record<string, string>>, headers: Record<string, string>) =>
  Effect.gen(function* () {
    const redisPort = Number(new URL(env["REDIS_URL"] ?? "").port)
    const proxy = yield* faultProxy(redisPort)
    const redis = yield* Effect.acquireRelease(
      Effect.sync(() => new Redis(redisPort)),
      (client) => Effect.sync(() => client.disconnect()),
    )
    const port = String(yield* Effect.promise(freePort))
    const api = yield* start("p1-api", { ...env, PORT: port, REDIS_URL: `redis://127.0.0.1:${proxy.port}` })
    yield* api.says(/The API is ready/)
    const loop = Effect.promise(() => openLoop(`http://127.0.0.1:${port}/v1/realtime`, headers, perSecond, seconds))
    yield* loop
    const peace = yield* loop
    const measured = (name: string) =>
      Effect.flatMap(loop, ({ failed, p99Ms }) =>
        Report.line({
          name: `p99 with Redis ${name}, ${perSecond}/s, ${failed} failed`,
          value: p99Ms,
          unit: "ms",
          limit: { value: peace.p99Ms, of: "Redis well" },
          target: "≤ 150 ms, 0 failed",
        }),
      )
    for (const [name, fault] of Object.entries(networkFaults)) {
      yield* proxy.set(fault)
      yield* measured(name)
      yield* proxy.set({})
      yield* loop
    }
    for (const [name, fault] of Object.entries(redisFaults)) {
      const again = Effect.repeat(
        Effect.promise(() => fault(redis)),
        Schedule.spaced(spoilEvery),
      )
      yield* Effect.raceFirst(measured(name), again)
    }
    yield* Effect.promise(() => redis.config("SET", "maxmemory", "0"))
  })
