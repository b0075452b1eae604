import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Schedule } from "effect"
import { fromEpochMillis } from "../../src/domain/index.ts"
import { Spool, Store } from "../../src/domain/ports/index.ts"
import { Uploader } from "../../src/edge/index.ts"
import { InternetClient } from "../../src/infra/http-client/index.ts"
import { sampleAt } from "../infra/samples.ts"
import { layerServer, memoryPorts, Running } from "../server/support/server.ts"
import { type Fault, faultProxy } from "../support/FaultProxy.ts"
import { edgeInMemory, recordLogs, state } from "./support/edge.ts"

const samples = 400
const ever = { fromMs: 0, toMs: Date.parse("2100-01-01T00:00:00Z") }

const untilTrue = <R>(check: Effect.Effect<boolean, unknown, R>) =>
  Effect.repeat(check, { until: (done) => done, schedule: Schedule.spaced("50 millis") })

/**
 * A backlog meets the fault at its first byte; then there is peace. Gives how the server's samples compare with those
 * taken, and what the edge said meanwhile.
 */
const through = (fault: Fault) =>
  Effect.gen(function* () {
    const server = yield* Layer.build(layerServer(memoryPorts))
    const { home, url } = Context.get(server, Running)
    const store = Context.get(server, Store)
    const proxy = yield* faultProxy(Number(new URL(url).port))
    const logs = yield* recordLogs
    return yield* Effect.gen(function* () {
      const spool = yield* Spool
      const take = (from: number, to: number) =>
        Effect.forEach(
          Array.from({ length: to - from }, (_, n) => from + n),
          (n) => spool.append(sampleAt(n), null),
          {
            discard: true,
          },
        )
      yield* take(0, samples / 2)
      yield* proxy.set(fault)
      yield* Layer.build(
        Uploader.layer({
          server: {
            url: `http://127.0.0.1:${proxy.port}`,
            token: Effect.succeed(Redacted.make(home)),
            timeout: "2 seconds",
          },
          interval: "100 millis",
        }),
      )
      yield* untilTrue(Effect.map(Effect.sync(proxy.connections), (n) => n > 0))
      yield* Effect.sleep("1 second")
      yield* take(samples / 2, samples)
      yield* Effect.sleep("500 millis")
      yield* Effect.sleep("500 millis")
      const { uploadError } = yield* state
      yield* proxy.set({})
      yield* untilTrue(Effect.map(state, ({ uploaded }) => uploaded === samples))
      const stored = yield* store.samples("home", ever)
      const at = (n: number) => fromEpochMillis(sampleAt(n).ts.epochMillis)
      return {
        stored: stored.length,
        first: stored[0]?.ts.epochMillis === at(0).epochMillis,
        last: stored.at(-1)?.ts.epochMillis === at(samples - 1).epochMillis,
        failed: uploadError._tag === "Some",
        lines: logs.lines.length < 8,
      }
    }).pipe(Effect.provide([edgeInMemory, InternetClient.layer, logs.layer]))
  }).pipe(Effect.scoped, Effect.timeout("50 seconds"))

const everything = { stored: samples, first: true, last: true, lines: true }

describe("every fault of the network, in front of the real server", () => {
  const slow: Record<string, Fault> = {
    "latency of 150 ms each way": { latencyMs: 150 },
    "20 KB a second": { bytesPerSecond: 20_000 },
  }
  const cutting: Record<string, Fault> = {
    "500 bytes a second": { bytesPerSecond: 500 },
    "a black hole": { blackHole: true },
    "connections that are cut": { down: true },
    "a reset in the middle of a request": { resetAfterBytes: 900 },
    "a reset after the server has committed": { resetOnReply: true },
    "a reply that breaks off": { cutReplyAfterBytes: 100 },
    "a connection that is half open": { halfOpen: true },
  }

  it.scopedLive(
    "ends with every sample stored once",
    () =>
      Effect.gen(function* () {
        const faults = Object.entries({ ...slow, ...cutting })
        const outcomes = yield* Effect.all(
          Object.fromEntries(faults.map(([name, fault]) => [name, Effect.either(through(fault))])),
          { concurrency: "unbounded" },
        )
        expect(outcomes).toMatchObject(
          Object.fromEntries(
            faults.map(([name]) => [
              name,
              { _tag: "Right", right: name in slow ? everything : { ...everything, failed: true } },
            ]),
          ),
        )
      }),
    60_000,
  )
})
