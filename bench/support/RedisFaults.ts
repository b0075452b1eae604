import { Effect } from "effect"
import { type Fault, faultProxy } from "../../test/support/FaultProxy.ts"
import { freePort } from "../../test/support/FreePort.ts"
import { start } from "../../test/support/Programs.ts"
import { openLoop } from "./OpenLoop.ts"
import * as Report from "./Report.ts"

const perSecond = 50
const seconds = 2
const faults: Readonly<Record<string, Fault>> = {
  down: { down: true },
  "black-holed": { blackHole: true },
  "slow by 2 s": { latencyMs: 2_000 },
}

/** Realtime through a server of its own while the network to Redis is sick, beside the same while it is well. */
export const measureRedisFaults = (env: Readonly<Record<string, string>>, headers: Record<string, string>) =>
  Effect.gen(function* () {
    const proxy = yield* faultProxy(Number(new URL(env["REDIS_URL"] ?? "").port))
    const port = String(yield* Effect.promise(freePort))
    const api = yield* start("p1-api", { ...env, PORT: port, REDIS_URL: `redis://127.0.0.1:${proxy.port}` })
    yield* api.says(/The API is ready/)
    const loop = Effect.promise(() => openLoop(`http://127.0.0.1:${port}/v1/realtime`, headers, perSecond, seconds))
    yield* loop
    const peace = yield* loop
    for (const [name, fault] of Object.entries(faults)) {
      yield* proxy.set(fault)
      const { failed, p99Ms } = yield* loop
      yield* Report.line({
        name: `p99 with Redis ${name}, ${perSecond}/s, ${failed} failed`,
        value: p99Ms,
        unit: "ms",
        limit: { value: peace.p99Ms, of: "Redis well" },
        target: "≤ 150 ms, 0 failed",
      })
      yield* proxy.set({})
      yield* loop
    }
  })
