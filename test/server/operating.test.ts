import { createServer } from "node:http"
import { expect, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { layerFreshDatabase, Database } from "../support/Database.ts"
import { freePort } from "../support/FreePort.ts"
import { expectContract } from "./support/Contract.ts"
import { run, start } from "../support/Programs.ts"

const text = (url: string, init?: RequestInit) =>
  Effect.promise(async () => {
    const response = await fetch(url, init)
    return { headers: response.headers, status: response.status, body: await response.text() }
  })

/** The same of the API, whose replies are as the contract says. */
const api = (url: string, init?: RequestInit) =>
  Effect.tap(text(url, init), ({ body, headers, status }) =>
    Effect.sync(() =>
      expectContract(init?.method ?? "GET", new URL(url).pathname, {
        status,
        contentType: headers.get("content-type"),
        text: body,
      }),
    ),
  )

/** A collector of traces that keeps what it is sent. */
const collector = Effect.gen(function* () {
  const sent: Array<string> = []
  const port = yield* Effect.promise(freePort)
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      createServer((request, response) => {
        let body = `${request.url} `
        request.on("data", (chunk: Buffer) => (body += chunk.toString()))
        request.on("end", () => {
          sent.push(body)
          response.end("{}")
        })
      }).listen(port, "127.0.0.1"),
    ),
    (server) => Effect.sync(() => server.close()),
  )
  return { sent, url: `http://127.0.0.1:${port}` }
})

it.scopedLive(
  "a server can be operated: metrics on a port of their own, request ids in replies and logs, traces, a clean end",
  () =>
    Effect.gen(function* () {
      const { url: databaseUrl } = yield* Database
      const { sent, url: endpoint } = yield* collector
      const port = yield* Effect.promise(freePort)
      const metricsPort = yield* Effect.promise(freePort)
      const env = {
        DATABASE_URL: Redacted.value(databaseUrl),
        PORT: String(port),
        METRICS_PORT: String(metricsPort),
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        LOG_FORMAT: "json",
        LOG_LEVEL: "debug",
      }
      const added = yield* run("p1-api", env, ["devices", "add", "Home", "--json"])
      const { token } = JSON.parse(added.said) as { readonly token: string }
      const reading = yield* run("p1-api", env, ["tokens", "add", "--read", "home", "--json"])
      const { token: reader } = JSON.parse(reading.said) as { readonly token: string }
      const program = yield* start("p1-api", env)
      yield* program.says(/The API is ready/)
      const base = `http://127.0.0.1:${port}`

      const ready = yield* api(`${base}/health/ready`)
      expect(JSON.parse(ready.body)).toMatchObject({ service: "p1-api", version: expect.any(String), status: "ok" })
      const ingest = (body: unknown) =>
        api(`${base}/v1/ingest`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify(body),
        })
      const ts = new Date().toISOString()
      yield* ingest({
        samples: [
          { ts, power_w: 1 },
          { ts: "x", power_w: 1 },
        ],
      })
      yield* ingest({ samples: [{ ts, power_w: 1 }] })
      yield* ingest({ samples: [{ ts, power_w: 2 }] })
      const read = api(`${base}/v1/series?frame=year`, { headers: { authorization: `Bearer ${reader}` } })
      expect([(yield* read).status, (yield* read).status]).toEqual([200, 200])
      yield* api(`${base}/nowhere/${"x".repeat(20)}`)

      const named = yield* api(`${base}/v1/devices`, { headers: { "x-request-id": "abc-1" } })
      expect([named.status, named.headers.get("x-request-id")]).toEqual([401, "abc-1"])
      const own = yield* api(`${base}/v1/devices`, { headers: { "x-request-id": "no good" } })
      expect(own.headers.get("x-request-id")).toMatch(/^[0-9a-z]{7}-[0-9a-z]+$/)
      yield* program.says(/"requestId":"abc-1"/)

      expect((yield* api(`${base}/metrics`)).status).toBe(404)
      yield* Effect.sleep("1200 millis")
      const { body, headers } = yield* text(`http://127.0.0.1:${metricsPort}/metrics`)
      expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8")
      for (const line of [
        'p1_ingest_rows_total{outcome="inserted"} 1',
        'p1_ingest_rows_total{outcome="duplicate"} 1',
        'p1_ingest_rows_total{outcome="conflict"} 1',
        'p1_ingest_rows_total{outcome="rejected"} 1',
        'p1_http_request_duration_seconds_count{method="POST",route="/v1/ingest",status="200"} 3',
        'p1_http_request_duration_seconds_count{method="GET",route="none",status="404"} 2',
        "p1_ingest_lag_seconds_count 3",
        "p1_cache_up 1",
        'p1_cache_reads_total{cache="answers",result="hit"} 1',
        'p1_cache_reads_total{cache="answers",result="miss"} 1',
      ]) {
        expect(body.split("\n")).toContain(line)
      }
      expect(body).toMatch(/^p1_device_last_seen_age_seconds\{device="home"\} \d/m)
      expect(body).toMatch(/^p1_postgres_connections\{state="idle"\} [1-9]/m)
      expect(body).toMatch(/^p1_event_loop_delay_seconds\{quantile="0.99"\} 0\.\d+/m)
      expect(body).toMatch(/^p1_build_info\{version="\d+\.\d+\.\d+"/m)
      expect(body).not.toContain("xxxx")
      for (const line of body.trim().split("\n")) {
        expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[\d.e+-]+|.*\+Inf.*)$/)
      }

      yield* program.signal("SIGTERM")
      expect(yield* Effect.timeoutOption(program.ended, "5 seconds")).toEqual(Option.some(0))
      expect(sent.join("\n")).toContain("/v1/traces ")
      expect(sent.join("\n")).toContain("http.server")
      expect(sent.join("\n") + program.said()).not.toContain(token)
    }).pipe(Effect.provide(Layer.fresh(layerFreshDatabase))),
  60_000,
)
