import { request } from "node:http"
import { gzipSync } from "node:zlib"
import { expect, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { formatToken } from "../../src/domain/index.ts"
import { call, layerServer, memoryPorts, type Reply, Running, send } from "./support/server.ts"

const sample = { ts: "2024-01-15T10:00:00Z", power_w: 100 }
const batch = { samples: [sample] }

const expectProblem = (reply: Reply, status: number, member: object = {}) => {
  expect(reply.json).toMatchObject({ type: "about:blank", status, detail: expect.any(String), ...member })
  expect(reply.status).toBe(status)
  expect(reply.headers.get("content-type")).toBe("application/problem+json")
  expect(reply.headers.get("cache-control")).toBe("private, no-store")
  expect(reply.headers.get("x-content-type-options")).toBe("nosniff")
}

/** A request by hand, for what fetch would not send: a length that is only promised. */
const promiseLength = (url: string, token: string, length: number) =>
  Effect.async<number>((resume) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", "content-length": length }
    const sent = request(`${url}/v1/ingest`, { method: "POST", headers }, (response) => {
      resume(Effect.succeed(response.statusCode ?? 0))
      sent.destroy()
    })
    sent.on("error", () => undefined)
    sent.write("{")
  })

const endless = (chunks: number): ReadableStream<Uint8Array> => {
  let left = chunks
  return new ReadableStream({
    pull: (controller) => {
      if (left-- > 0) controller.enqueue(new Uint8Array(100_000).fill(0x20))
      else controller.close()
    },
  })
}

layer(layerServer(memoryPorts), { excludeTestServices: true })("a request that fails", (it) => {
  it.effect("gets 400 for a body that is not JSON, not UTF-8 or not gzip", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      expectProblem(yield* send(home, '{"samples":'), 400)
      expectProblem(yield* send(home, ""), 400)
      expectProblem(yield* send(home, new Uint8Array([0x22, 0xff, 0x22])), 400)
      expectProblem(yield* send(home, "{}", { "content-encoding": "gzip" }), 400)
      const cutShort = gzipSync(JSON.stringify(batch)).subarray(0, 30)
      expectProblem(yield* send(home, cutShort, { "content-encoding": "gzip" }), 400)
    }),
  )

  it.effect("gets one and the same 401 whatever is wrong with its token", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      const wrongSecret = Redacted.value(formatToken("device", home.slice(4, 14) + "0".repeat(32)))
      const unknown = Redacted.value(formatToken("device", "0".repeat(42)))
      const values = ["", "Bearer", "Bearer ", `Basic ${home}`, home, "Bearer p1d_short", `Bearer ${home}x`]
      const headers = [...values, `Bearer ${wrongSecret}`, `Bearer ${unknown}`].map((authorization) => ({
        authorization,
      }))
      const replies = yield* Effect.forEach([{}, ...headers], (header) =>
        call("/v1/ingest", { method: "POST", headers: { "content-type": "application/json", ...header }, body: "{" }),
      )
      for (const reply of replies) {
        expectProblem(reply, 401)
        expect(reply.text).toBe(replies[0]?.text)
        expect(reply.headers.get("www-authenticate")).toBe("Bearer")
      }
    }),
  )

  it.effect("gets 403 for the wrong kind of token and for a device that is not its own", () =>
    Effect.gen(function* () {
      const { home, homeReader } = yield* Running
      expectProblem(yield* send(homeReader, batch), 403)
      expectProblem(yield* call("/v1/realtime", { token: home }), 403)
      expectProblem(yield* send(home, { ...batch, device_id: "barn" }), 403)
      expectProblem(yield* send(home, { samples: [sample, { ...sample, device_id: "barn" }] }), 403)
      const there = yield* call("/v1/realtime?device_id=barn", { token: homeReader })
      const nowhere = yield* call("/v1/realtime?device_id=nowhere", { token: homeReader })
      expectProblem(there, 403)
      expect(there.text).toBe(nowhere.text)
      expect((yield* send(home, { samples: [{ ...sample, device_id: "home" }], device_id: "home" })).status).toBe(200)
    }),
  )

  it.effect("gets 404 where nothing is, and 405 with Allow for another method", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      expectProblem(yield* call("/"), 404)
      expectProblem(yield* call("/v1/realtime/"), 404)
      expectProblem(yield* call("/v1/%zz"), 404)
      const get = yield* call("/v1/ingest", { token: home })
      expectProblem(get, 405)
      expect(get.headers.get("allow")).toBe("POST")
      const post = yield* call("/v1/capacity/month/2024-01?top=3", { method: "POST" })
      expectProblem(post, 405)
      expect(post.headers.get("allow")).toBe("GET, HEAD")
      expect((yield* call("/docs", { method: "DELETE" })).headers.get("allow")).toBe("GET, HEAD")
    }),
  )

  it.effect("gets 413 for a body that is too large: promised, streamed, or unpacked", () =>
    Effect.gen(function* () {
      const { home, url } = yield* Running
      expect(yield* promiseLength(url, home, 1_000_001)).toBe(413)
      const streamed = yield* call("/v1/ingest", {
        method: "POST",
        token: home,
        headers: { "content-type": "application/json" },
        body: endless(12),
      })
      expectProblem(streamed, 413)
      const bomb = gzipSync(Buffer.alloc(200_000_000))
      expectProblem(yield* send(home, bomb, { "content-encoding": "gzip" }), 413)
    }),
  )

  it.effect("takes a gzipped body that is large only when unpacked", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      const padded = gzipSync(JSON.stringify({ ...batch, padding: " ".repeat(7_000_000) }))
      expect((yield* send(home, padded, { "content-encoding": "gzip" })).status).toBe(200)
    }),
  )

  it.effect("gets 415 for another type or encoding", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      expectProblem(yield* send(home, batch, { "content-type": "text/plain" }), 415)
      expectProblem(yield* send(home, batch, { "content-encoding": "br" }), 415)
      expectProblem(yield* send(home, batch, { "content-encoding": "gzip, gzip" }), 415)
      expect((yield* send(home, batch, { "content-type": "application/json; charset=utf-8" })).status).toBe(200)
    }),
  )

  it.effect("gets 422 when samples is not a list of 1 to 5,000", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      const many = Array.from({ length: 5_001 }, () => 0)
      for (const body of [{}, [], 5, null, { samples: [] }, { samples: {} }, { samples: many }]) {
        expectProblem(yield* send(home, body === null ? "null" : body), 422, { errors: [{ path: "samples" }] })
      }
    }),
  )

  it.effect("gets 400 with the paths of what goes with the samples", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      const reply = yield* send(home, {
        ...batch,
        meter: { ts: "yesterday" },
        metered_peaks: [{ month: "2024-13", peak_w: 1 }],
      })
      expectProblem(reply, 400, { errors: [{ path: "meter.ts" }, { path: "metered_peaks.0.month" }] })
    }),
  )

  it.effect("gets 400 with the path of a parameter", () =>
    Effect.gen(function* () {
      const { bothReader, homeReader } = yield* Running
      const expectPath = (path: string, token: string, at: string) =>
        Effect.map(call(path, { token }), (reply) => expectProblem(reply, 400, { errors: [{ path: at }] }))
      yield* expectPath("/v1/realtime", bothReader, "device_id")
      yield* expectPath("/v1/realtime?device_id=NO", homeReader, "device_id")
      yield* expectPath("/v1/capacity/month/2024-13", homeReader, "month")
      yield* expectPath(`/v1/capacity/month/${"2".repeat(2_000)}`, homeReader, "month")
      yield* expectPath("/v1/capacity/month/2024-01?top=0", homeReader, "top")
      yield* expectPath("/v1/series", homeReader, "frame")
      yield* expectPath("/v1/series?frame=day&at=2024-02-30", homeReader, "at")
    }),
  )
})
