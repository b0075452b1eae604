import { readFile } from "node:fs/promises"
import { describe, expect, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { openApiDocument } from "../../src/server/OpenApiDocument.ts"
import { breachOf, operations, validator } from "./support/Contract.ts"
import { call, layerServer, memoryPorts } from "./support/server.ts"

const text = JSON.stringify(openApiDocument)

describe("the contract as a document", () => {
  it("is published as it is served", async () => {
    const published: unknown = JSON.parse(await readFile("docs/openapi.json", "utf8"))
    expect(published, "run `npm run openapi` and commit docs/openapi.json").toEqual(JSON.parse(text))
  })

  it("names every operation once, says what it does, and which token it needs", () => {
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    for (const { description, path, security, summary } of operations) {
      expect([path, summary, description]).toEqual([path, expect.any(String), expect.any(String)])
      const scheme = path === "/v1/ingest" ? "deviceToken" : "readToken"
      expect([path, security]).toEqual([path, path.startsWith("/v1/") ? [{ [scheme]: [] }] : []])
    }
  })

  it.each(operations.map((operation) => [operation.operationId, operation] as const))(
    "shows for %s a request and a reply that fit their schemas",
    (_, { requestBody, responses }) => {
      for (const content of [requestBody?.content, responses["200"]?.content]) {
        const json = content?.["application/json"]
        if (json?.schema === undefined) continue
        const validate = validator(json.schema)
        expect(json.example).toBeDefined()
        expect([validate(json.example), validate.errors]).toEqual([true, null])
      }
    },
  )

  it("says what every parameter is, and what it may be", () => {
    for (const { operationId, parameters } of operations) {
      for (const { description, name, schema } of parameters) {
        expect([operationId, name, description]).toEqual([operationId, name, expect.stringMatching(/\w{3}/)])
        expect(["enum", "examples", "default", "pattern"].some((key) => key in schema)).toBe(true)
      }
    }
  })

  it("lists failures as problem documents, and says when to ask again", () => {
    for (const { responses } of operations) {
      expect(responses).toHaveProperty("500")
      for (const [status, { content, headers }] of Object.entries(responses)) {
        if (Number(status) < 400) continue
        expect(Object.keys(content ?? {})).toEqual(["application/problem+json"])
        expect([status, headers?.["Retry-After"] !== undefined]).toEqual([status, ["429", "503"].includes(status)])
      }
    }
  })

  it("knows nothing of the library's own errors, and refuses no unknown field", () => {
    expect(text).not.toContain("HttpApiDecodeError")
    expect(text).not.toContain('"additionalProperties":false')
    expect(text).not.toMatch(/"(maxItems|maxLength|between)\(/)
  })

  it("tells the unit of every field whose name has one", () => {
    const named = [...text.matchAll(/"\w+_(w|kw|kwh|wh|v|a|hz|s)":\{"(type|anyOf|\$ref)/g)]
    expect(named.length).toBeGreaterThan(50)
    const told = [...text.matchAll(/"description":"(W|kW|kWh|Wh|V|A|Hz|seconds)(\. |")/g)]
    expect(told.length).toBeGreaterThanOrEqual(named.length)
  })
})

describe("what the tests hold replies to", () => {
  const reply = (status: number, json: unknown, contentType = "application/json") => ({
    status,
    contentType,
    text: JSON.stringify(json),
  })
  const problem = { type: "about:blank", title: "Not found", status: 404, detail: "…" }

  it.each([
    ["a field that is missing", "GET", "/v1/devices", reply(200, { devices: [{ device_id: "home" }] })],
    ["a type that differs", "GET", "/health/live", reply(200, { status: "ok" }, "text/plain")],
    ["a status that is not documented", "GET", "/v1/devices", reply(404, problem, "application/problem+json")],
    ["a status for another method", "GET", "/v1/ingest", reply(404, problem, "application/problem+json")],
    ["a problem that is none", "GET", "/nowhere", reply(404, {}, "application/problem+json")],
  ])("finds %s", (_, method, path, answer) => {
    expect(breachOf(method, path, answer)).toContain(path)
  })
})

layer(layerServer(memoryPorts), { excludeTestServices: true })("the documentation", (it) => {
  it.effect("is served as it is derived", () =>
    Effect.gen(function* () {
      expect((yield* call("/openapi.json")).json).toEqual(JSON.parse(text))
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
