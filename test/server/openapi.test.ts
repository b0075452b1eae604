import { expect, layer } from "@effect/vitest"
import { Effect } from "effect"
import { call, layerServer, memoryPorts } from "./support/server.ts"

interface Operation {
  readonly operationId: string
  readonly security: ReadonlyArray<Record<string, unknown>>
  readonly responses: Record<string, { readonly content?: Record<string, unknown>; readonly headers?: unknown }>
}
interface Document {
  readonly openapi: string
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Record<string, unknown> }
}

layer(layerServer(memoryPorts), { excludeTestServices: true })("the documentation", (it) => {
  const operations = Effect.map(call("/openapi.json"), ({ json }) =>
    Object.entries((json as Document).paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, ...operation })),
    ),
  )

  it.effect("names every operation once, and the token that each path under /v1 needs", () =>
    Effect.gen(function* () {
      const all = yield* operations
      expect(all.map(({ path }) => path).sort()).toEqual([
        "/health/live",
        "/health/ready",
        "/v1/capacity/month/{month}",
        "/v1/devices",
        "/v1/ingest",
        "/v1/realtime",
        "/v1/series",
      ])
      expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length)
      for (const { path, security } of all) {
        const scheme = path === "/v1/ingest" ? "deviceToken" : "readToken"
        expect(security).toEqual(path.startsWith("/v1/") ? [{ [scheme]: [] }] : [])
      }
    }),
  )

  it.effect("lists the statuses that occur, each failure as a problem document", () =>
    Effect.gen(function* () {
      const all = yield* operations
      const statuses = Object.fromEntries(all.map(({ path, responses }) => [path, Object.keys(responses)]))
      expect(statuses).toEqual({
        "/v1/ingest": ["200", "400", "401", "403", "413", "415", "422", "500", "503"],
        "/v1/realtime": ["200", "400", "401", "403", "404", "500", "503"],
        "/v1/capacity/month/{month}": ["200", "400", "401", "403", "404", "500", "503"],
        "/v1/series": ["200", "400", "401", "403", "404", "500", "503"],
        "/v1/devices": ["200", "400", "401", "403", "500", "503"],
        "/health/live": ["200", "500"],
        "/health/ready": ["200", "500", "503"],
      })
      for (const { responses } of all) {
        for (const [status, { content, headers }] of Object.entries(responses)) {
          expect(Object.keys(content ?? {})).toEqual([
            status === "200" ? "application/json" : "application/problem+json",
          ])
          expect(headers !== undefined).toBe(status === "503")
        }
      }
    }),
  )

  it.effect("knows nothing of the library's own errors, and refuses no unknown field", () =>
    Effect.gen(function* () {
      const { text } = yield* call("/openapi.json")
      expect(text).not.toContain("HttpApiDecodeError")
      expect(text).not.toContain('"additionalProperties":false')
      const { components } = JSON.parse(text) as Document
      for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)) {
        expect(components.schemas).toHaveProperty(name ?? "")
      }
    }),
  )

  it.effect("is a page that loads nothing from elsewhere", () =>
    Effect.gen(function* () {
      const { headers, status, text } = yield* call("/docs")
      expect(status).toBe(200)
      expect(headers.get("content-type")).toContain("text/html")
      expect(text).not.toMatch(/<(script|link|img)[^>]+(src|href)="https?:/)
    }),
  )
})
