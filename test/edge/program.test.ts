import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { NodeHttpClient } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Clock, Context, Duration, Effect, Layer, Option, Redacted, Ref, Schedule, TestClock } from "effect"
import { Edge, EdgeStatus } from "../../src/edge/index.ts"
import * as Uploader from "../../src/edge/Uploader.ts"
import { MemoryEdgeState, MemoryMeter, MemorySpool } from "../../src/infra/memory/index.ts"
import {
  batchOf,
  brussels,
  edgeInMemory,
  recordLogs,
  spoolSamples,
  stamp,
  state,
  stubServer,
  telegram,
  waiting,
} from "./support/edge.ts"

const server = { url: "https://p1.example.org", token: Effect.succeed(Redacted.make("p1d_secret")) }

describe("over a network", () => {
  const listening = (handler: Parameters<typeof createServer>[1]) =>
    Effect.acquireRelease(
      Effect.async<{ readonly url: string; readonly close: () => void }>((resume) => {
        const http = createServer(handler)
        http.listen(0, "127.0.0.1", () =>
          resume(
            Effect.succeed({
              url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
              close: () => {
                http.closeAllConnections()
                http.close()
              },
            }),
          ),
        )
      }),
      ({ close }) => Effect.sync(close),
    )

  it.scopedLive("a redirect is not followed: the token stays with the server it is for", () =>
    Effect.gen(function* () {
      let elsewhere = 0
      const other = yield* listening((_, response) => {
        elsewhere += 1
        response.end()
      })
      const status = yield* Effect.gen(function* () {
        const redirecting = yield* listening((request, response) => {
          request.resume()
          response.writeHead(307, { location: other.url }).end()
        })
        yield* spoolSamples(1)
        yield* Layer.build(Uploader.layer({ server: { ...server, url: redirecting.url }, interval: "1 second" }))
        return yield* Effect.repeat(Effect.delay(state, "10 millis"), {
          until: ({ uploadError }) => Option.isSome(uploadError),
        })
      }).pipe(Effect.provide([edgeInMemory, NodeHttpClient.layerUndici, (yield* recordLogs).layer]))
      expect(status.uploadError).toMatchObject({ value: expect.stringContaining("(307)") })
      expect(elsewhere).toBe(0)
    }),
  )

  it.scopedLive("the program ends at once although the server is silent, and keeps what it did not deliver", () =>
    Effect.gen(function* () {
      let asked = 0
      const silent = yield* listening(() => {
        asked += 1
      })
      const meter = yield* counting
      const took = yield* Effect.gen(function* () {
        const program = Edge.layer({
          poll: { zone: brussels, interval: "5 millis" },
          upload: { server: { ...server, url: silent.url }, interval: "5 millis" },
        })
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* Layer.build(program)
            yield* Effect.repeat(
              Effect.sync(() => asked),
              { until: (n) => n > 0, schedule: Schedule.spaced("5 millis") },
            )
            yield* Effect.sleep("50 millis")
          }),
        ).pipe(Effect.timed, Effect.provide(meter.layer))
        const taken = yield* meter.taken
        expect(yield* waiting).toBeGreaterThanOrEqual(taken - 1)
      }).pipe(Effect.timed, Effect.provide([MemorySpool.layer, MemoryEdgeState.layer, NodeHttpClient.layerUndici]))
      expect(Duration.toMillis(took[0])).toBeLessThan(2000)
    }),
  )
})

const counting = Effect.map(Ref.make(0), (count) => ({
  layer: MemoryMeter.layer(
    Effect.map(
      Ref.updateAndGet(count, (n) => n + 1),
      (n) => telegram(stamp(n)),
    ),
  ),
  taken: Ref.get(count),
}))

describe("the edge as a whole", () => {
  it.effect("takes every telegram of two minutes once and delivers each, over a server that often fails", () =>
    Effect.gen(function* () {
      const stored = new Set<string>()
      const stub = stubServer((request, n) => {
        if (n % 3 === 0) return new Response(null, { status: 500 })
        const { samples } = batchOf(request)
        const fresh = samples.filter(({ meterStamp }) => !stored.has(String(meterStamp)))
        fresh.forEach(({ meterStamp }) => stored.add(String(meterStamp)))
        if (n % 3 === 1) return new Response("the reply is lost on its way")
        const duplicates = samples.length - fresh.length
        return Response.json({
          received: samples.length,
          inserted: fresh.length,
          duplicates,
          conflicts: 0,
          rejected: [],
        })
      })
      const now = Effect.map(Clock.currentTimeMillis, (ms) => telegram(stamp(Math.floor(ms / 1000))))
      const status = yield* Effect.gen(function* () {
        const context = yield* Layer.build(
          Edge.layer({
            poll: { zone: brussels, interval: "1 second" },
            upload: { server, interval: "1 second" },
          }),
        )
        yield* TestClock.adjust("2 minutes")
        return yield* Ref.get(Context.get(context, EdgeStatus))
      }).pipe(
        Effect.scoped,
        Effect.provide([
          MemoryMeter.layer(now),
          MemorySpool.layer,
          MemoryEdgeState.layer,
          stub.layer,
          (yield* recordLogs).layer,
        ]),
      )
      expect(status.taken).toBe(121)
      const order = [...stored]
      expect(order).toEqual(Array.from({ length: order.length }, (_, n) => stamp(n)))
      expect(order.length).toBeGreaterThan(30)
      expect(status.uploaded + status.waiting).toBe(status.taken)
    }),
  )
})
