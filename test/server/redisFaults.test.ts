import { expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Ref } from "effect"
import { Redis } from "ioredis"
import { Redacted } from "effect"
import { describe, inject } from "vitest"
import { CryptoSecrets } from "../../src/infra/crypto/index.ts"
import { RedisCaches } from "../../src/infra/redis/index.ts"
import { layerFreshStore } from "../support/Database.ts"
import { type Fault, faultProxy } from "../support/FaultProxy.ts"
import { type Reply, steadily, timed } from "../support/Load.ts"
import "../support/Provided.ts"
import { startRedis } from "../support/RedisServer.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { layerServer, Running } from "./support/server.ts"

const phaseMs = 1_200
const enough = 20

const tsOf = ({ text }: Reply): number => Date.parse((JSON.parse(text) as { readonly ts: string }).ts)
const statuses = (replies: ReadonlyArray<Reply>) => [...new Set(replies.map(({ status }) => status))]

describe.skipIf(inject("redisUrl") === undefined)("a sick Redis (skipped where it is not installed)", () => {
  it.scopedLive(
    "fails no request, and realtime goes on and never back",
    () =>
      Effect.gen(function* () {
        const own = yield* startRedis(yield* temporaryFolder)
        const redisPort = Number(new URL(own?.url ?? "").port)
        const proxy = yield* faultProxy(redisPort)
        const redis = yield* Effect.acquireRelease(
          Effect.sync(() => new Redis(redisPort)),
          (client) => Effect.sync(() => client.disconnect()),
        )
        const caches = RedisCaches.layer({ url: Redacted.make(`redis://127.0.0.1:${proxy.port}`) })
        const ports = Layer.orDie(Layer.mergeAll(layerFreshStore, caches, CryptoSecrets.layer))
        const { home, homeReader, url } = Context.get(yield* Layer.build(layerServer(ports)), Running)

        const power = yield* Ref.make(0)
        const writes = yield* steadily(
          200,
          Effect.flatMap(
            Ref.updateAndGet(power, (n) => n + 1),
            (n) =>
              timed(`${url}/v1/ingest`, {
                method: "POST",
                headers: { authorization: `Bearer ${home}`, "content-type": "application/json" },
                body: JSON.stringify({ samples: [{ ts: new Date().toISOString(), power_w: n }] }),
              }),
          ),
        )
        yield* Effect.sleep("1 second")
        const reads = yield* steadily(
          25,
          timed(`${url}/v1/realtime`, { headers: { authorization: `Bearer ${homeReader}` } }),
        )

        const during = (name: string, fault: Effect.Effect<unknown>) =>
          Effect.gen(function* () {
            yield* reads.take
            yield* writes.take
            yield* fault
            yield* Effect.sleep(phaseMs)
            yield* Effect.repeat(Effect.delay(reads.count, "50 millis"), { until: (count) => count >= enough })
            const [read, written] = [yield* reads.take, yield* writes.take]
            return { name, read, written }
          })
        const network = (fault: Fault) => proxy.set(fault)
        const command = (...args: [string, ...ReadonlyArray<string>]) =>
          Effect.promise(() => redis.call(...(args as [string, ...Array<string>])))
        const spoiled = Effect.promise(async () => {
          for (const key of await redis.keys("p1:realtime:*")) await redis.multi().del(key).lpush(key, "x").exec()
        })

        yield* Effect.repeat(Effect.delay(reads.count, "50 millis"), { until: (count) => count >= enough })
        const peace = yield* during("peace", Effect.void)
        const phases = [
          yield* during("down", network({ down: true })),
          yield* during("back", network({})),
          yield* during("black-holed", network({ blackHole: true })),
          yield* during("back", network({})),
          yield* during("slow", network({ latencyMs: 2_000 })),
          yield* during("back", network({})),
          yield* during("flushed", Effect.repeatN(Effect.delay(command("FLUSHALL"), "50 millis"), 20)),
          yield* during("of wrong types", Effect.repeatN(Effect.delay(spoiled, "50 millis"), 20)),
          yield* during("full", command("CONFIG", "SET", "maxmemory", "1")),
        ]
        let newest = 0
        for (const { name, read, written } of [peace, ...phases]) {
          expect([name, statuses(read), statuses(written)]).toEqual([name, [200], [200]])
          // Replies may overtake each other, so what each phase ended with is compared.
          const latest = Math.max(...read.map(tsOf))
          expect([name, latest > newest]).toEqual([name, true])
          expect([name, Math.min(...read.slice(-5).map(tsOf)) > latest - 2_000]).toEqual([name, true])
          newest = latest
        }
      }),
    60_000,
  )
})
