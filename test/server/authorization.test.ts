import { describe, expect, it, layer } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Redacted } from "effect"
import { formatToken } from "../../src/domain/index.ts"
import { Registry, Secrets } from "../../src/domain/ports/index.ts"
import { Admin } from "../../src/server/index.ts"
import { expectContract, operations, urlOf } from "./support/Contract.ts"
import { layerServer, memoryPorts, Running, send } from "./support/server.ts"

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const

interface Ask {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body?: string
}

/** The status of a request; a reply that does not end is not waited for. */
const statusOf = ({ authorization, body, method, path }: Ask) =>
  Effect.flatMap(Running, ({ url }) =>
    Effect.promise(async () => {
      const headers = { "content-type": "application/json", ...(authorization !== undefined && { authorization }) }
      const aborted = new AbortController()
      const init = { method, headers, signal: aborted.signal }
      const response = await fetch(url + path, body === undefined ? init : { ...init, body })
      const contentType = response.headers.get("content-type")
      if (contentType?.startsWith("text/event-stream")) aborted.abort()
      else expectContract(method, path, { status: response.status, contentType, text: await response.text() })
      return response.status
    }),
  )

const otherLetter = (token: string, at: number): string =>
  token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1)

/** The same public id with another secret, and a checksum that is right. */
const wrongSecret = (kind: "device" | "read", token: string): string =>
  Redacted.value(formatToken(kind, token.slice(4, 14) + "0".repeat(32)))

const batchFor = (deviceId: string) =>
  JSON.stringify({ device_id: deviceId, samples: [{ ts: "2026-01-15T10:00:00Z", power_w: 1 }] })

const servers = layerServer(memoryPorts)

layer(servers, { excludeTestServices: true, timeout: "60 seconds" })("who may do what", (it) => {
  const credentials = Effect.gen(function* () {
    const { barn, home, homeReader } = yield* Running
    const old = Redacted.value(yield* Admin.addReadToken(["home"]))
    const oldDevice = Redacted.value((yield* Admin.rotateToken(home.slice(4, 14))).token)
    yield* Admin.revokeToken(old.slice(4, 14))
    yield* Admin.revokeToken(oldDevice.slice(4, 14))
    const right = { deviceToken: home, readToken: homeReader }
    const revoked = { deviceToken: oldDevice, readToken: old }
    const kind = { deviceToken: "device", readToken: "read" } as const
    const otherKind = { deviceToken: homeReader, readToken: barn }
    return (scheme: keyof typeof right): Record<string, readonly [string | undefined, number]> => ({
      "no token": [undefined, 401],
      "an empty token": ["Bearer ", 401],
      "another scheme": [`Basic ${right[scheme]}`, 401],
      "a bare token": [right[scheme], 401],
      "a malformed token": ["Bearer p1r_short", 401],
      "a token with a wrong checksum": [`Bearer ${otherLetter(right[scheme], 20)}`, 401],
      "an unknown token": [`Bearer ${Redacted.value(formatToken(kind[scheme], "7".repeat(42)))}`, 401],
      "a revoked token": [`Bearer ${revoked[scheme]}`, 401],
      "a token with a wrong secret": [`Bearer ${wrongSecret(kind[scheme], right[scheme])}`, 401],
      "a token of the other kind": [`Bearer ${otherKind[scheme]}`, 403],
      "its token": [`Bearer ${right[scheme]}`, 200],
    })
  })

  it.effect(
    "every route by every method with every kind of token, to the status",
    () =>
      Effect.gen(function* () {
        const { home } = yield* Running
        const now = new Date(yield* Clock.currentTimeMillis).toISOString()
        yield* send(home, { samples: [{ ts: now, power_w: 100, energy_import_kwh: 1 }] })
        const tokensFor = yield* credentials
        const table: Array<Ask & { readonly row: string; readonly status: number; readonly mayLack: boolean }> = []
        for (const path of new Set(operations.map((operation) => operation.path))) {
          const here = operations.filter((operation) => operation.path === path)
          for (const method of methods) {
            const operation = here.find((known) => known.method === (method === "HEAD" ? "GET" : method))
            const [scheme] = Object.keys(operation?.security[0] ?? {})
            const tokens = tokensFor(scheme === "deviceToken" ? "deviceToken" : "readToken")
            expect([undefined, "deviceToken", "readToken"]).toContain(scheme)
            for (const [name, [authorization, guarded]] of Object.entries(tokens)) {
              const status = operation === undefined ? 405 : scheme === undefined ? 200 : guarded
              const url = operation === undefined ? path.replace(/\{\w+\}/g, "x") : urlOf(operation)
              const body = method === "POST" ? { body: batchFor("home") } : {}
              const mayLack = status === 200 && scheme === "readToken"
              table.push({
                row: `${method} ${path} with ${name}`,
                status,
                mayLack,
                method,
                path: url,
                authorization,
                ...body,
              })
            }
          }
        }
        const seen = yield* Effect.forEach(
          table,
          ({ mayLack, row, ...ask }) =>
            // Who is let in may still be told that there is nothing yet, or that a parameter is missing.
            Effect.map(statusOf(ask), (got) => `${row}: ${mayLack && [400, 404].includes(got) ? 200 : got}`),
          { concurrency: 8 },
        )
        expect(seen).toEqual(table.map(({ row, status }) => `${row}: ${status}`))
        expect(seen.length).toBeGreaterThan(500)
      }),
    120_000,
  )

  it.effect("no device is read or written with the token of another", () =>
    Effect.gen(function* () {
      const { bothReader, home, homeReader } = yield* Running
      const reads = operations.filter(({ parameters }) => parameters.some(({ name }) => name === "device_id"))
      expect(reads.length).toBeGreaterThan(2)
      for (const operation of reads) {
        for (const deviceId of ["barn", "nowhere"]) {
          const path = urlOf(operation, { device_id: deviceId })
          expect([path, yield* statusOf({ method: "GET", path, authorization: `Bearer ${homeReader}` })]).toEqual([
            path,
            403,
          ])
        }
        const path = urlOf(operation, { device_id: "barn" })
        expect(yield* statusOf({ method: "GET", path, authorization: `Bearer ${bothReader}` })).not.toBe(403)
      }
      const write = (body: string) =>
        statusOf({ method: "POST", path: "/v1/ingest", authorization: `Bearer ${home}`, body })
      expect([yield* write(batchFor("barn")), yield* write(batchFor("home"))]).toEqual([403, 200])
    }),
  )
})

describe("tokens that are refused", () => {
  it.live("cost the same work and get the same answer, whether unknown, revoked or wrong", () => {
    const work: Array<string> = []
    const counted = Layer.map(memoryPorts, (ports) => {
      const registry = Context.get(ports, Registry)
      const secrets = Context.get(ports, Secrets)
      const noting = <A>(what: string, effect: Effect.Effect<A>) =>
        Effect.zipRight(
          Effect.sync(() => work.push(what)),
          effect,
        )
      return ports.pipe(
        Context.add(Registry, {
          ...registry,
          findToken: (id) =>
            Effect.zipRight(
              Effect.sync(() => work.push("find")),
              registry.findToken(id),
            ),
        }),
        Context.add(Secrets, {
          ...secrets,
          sha256: (token) => noting("digest", secrets.sha256(token)),
          equal: (a, b) => noting(`compare ${a.length} with ${b.length}`, secrets.equal(a, b)),
        }),
      )
    })
    return Effect.gen(function* () {
      const { url } = yield* Running
      const revoked = Redacted.value(yield* Admin.addReadToken(["home"]))
      yield* Admin.revokeToken(revoked.slice(4, 14))
      const wrong = wrongSecret("read", Redacted.value(yield* Admin.addReadToken(["home"])))
      const unknown = Redacted.value(formatToken("read", "7".repeat(42)))
      const replies: Array<unknown> = []
      for (const token of [unknown, revoked, wrong]) {
        work.length = 0
        const response = yield* Effect.promise(() =>
          fetch(`${url}/v1/devices`, { headers: { authorization: `Bearer ${token}` } }),
        )
        const text = yield* Effect.promise(() => response.text())
        const contentType = response.headers.get("content-type")
        expectContract("GET", "/v1/devices", { status: response.status, contentType, text })
        replies.push([response.status, text, [...response.headers.keys()], [...work]])
      }
      expect(replies[0]).toMatchObject([
        401,
        expect.any(String),
        expect.any(Array),
        ["find", "digest", expect.any(String)],
      ])
      expect(replies).toEqual([replies[0], replies[0], replies[0]])
    }).pipe(Effect.provide(layerServer(counted)))
  })
})
