import { get, type IncomingMessage } from "node:http"
import { describe, expect, it } from "@effect/vitest"
import { parse } from "csv-parse/sync"
import { Context, Effect, Layer, Schedule } from "effect"
import { Store } from "../../src/domain/ports/index.ts"
import { CryptoSecrets } from "../../src/infra/crypto/index.ts"
import { MemoryCaches } from "../../src/infra/memory/index.ts"
import { Database, layerFreshStore } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { batchOf, fullSample, sampleAt } from "../support/Samples.ts"
import { call, layerServer, memoryPorts, type Ports, Running } from "./support/server.ts"

const firstMs = Date.UTC(2024, 0, 15)
const lines = (text: string) => text.trimEnd().split("\n")
const objects = (text: string) => lines(text).map((line) => JSON.parse(line) as Record<string, unknown>)

const layerPostgres = Layer.orDie(Layer.mergeAll(layerFreshStore, MemoryCaches.layer, CryptoSecrets.layer))

/** Begins to read a reply and stops. */
const stalled = (url: string, token: string) =>
  Effect.acquireRelease(
    Effect.async<IncomingMessage>((resume) => {
      get(url, { headers: { authorization: `Bearer ${token}` } }, (response) => {
        response.once("readable", () => {
          response.read(100)
          resume(Effect.succeed(response))
        })
      })
    }),
    (response) => Effect.sync(() => response.destroy()),
  )

describe("the export of samples", () => {
  it.scopedLive("gives every sample of a range once and in order, in lines of JSON or as CSV, over many pages", () =>
    Effect.gen(function* () {
      const { homeReader } = yield* Running
      const store = yield* Store
      const count = 5_003
      const all = Array.from({ length: count }, (_, i) => sampleAt(firstMs + i * 1_000, { powerW: i }))
      yield* store.ingest("home", batchOf([...all, fullSample(firstMs + 9_000_000)]))
      const json = yield* call("/v1/samples", { token: homeReader })
      expect(json.headers.get("content-type")).toBe("application/x-ndjson")
      const rows = objects(json.text)
      expect(rows.slice(0, count).map(({ power_w }) => power_w)).toEqual(all.map(({ powerW }) => powerW))
      expect(rows[0]).toEqual({ ts: "2024-01-15T00:00:00.000Z", power_w: 0 })
      expect(rows[count]).toMatchObject({
        ts: "2024-01-15T02:30:00.000Z",
        energy_import_t1_kwh: 6_000.1,
        average_power_15m_w: 0.5,
        external: [
          { id: "gas-1", kind: "gas_meter", ts: "2024-01-15T02:29:00.000Z", value: 1_234.567, unit: "m3" },
          {},
        ],
      })
      expect(rows.length).toBe(count + 1)

      const csv = yield* call("/v1/samples", { token: homeReader, headers: { accept: "text/csv" } })
      expect(csv.headers.get("content-type")).toMatch(/^text\/csv/)
      const table = parse(csv.text, { columns: true }) as ReadonlyArray<Record<string, string>>
      expect(table.map(({ ts }) => ts)).toEqual(rows.map(({ ts }) => ts))
      expect(JSON.parse(table.at(-1)?.["external"] ?? "")).toEqual(rows.at(-1)?.["external"])

      const part = yield* call("/v1/samples?from=2024-01-15T00:00:01Z&to=2024-01-15T00:00:03Z", { token: homeReader })
      expect(objects(part.text).map(({ power_w }) => power_w)).toEqual([1, 2])
      const none = yield* call("/v1/samples?from=2023-01-01&to=2023-01-02", { token: homeReader })
      expect([none.status, none.text]).toEqual([200, ""])
      expect((yield* call("/v1/samples?from=later", { token: homeReader })).status).toBe(400)
    }).pipe(Effect.provide(Layer.provideMerge(layerServer(layerPostgres), layerPostgres))),
  )

  it.scopedLive("holds no transaction and no connection for a reader that has stopped", () =>
    Effect.gen(function* () {
      const { homeReader, url } = yield* Running
      const store = yield* Store
      const samples = Array.from({ length: 30_000 }, (_, i) => ({ ...fullSample(firstMs + i * 1_000), external: null }))
      yield* store.ingest("home", batchOf(samples))
      yield* stalled(`${url}/v1/samples`, homeReader)
      const database = yield* Database
      const held = runSql(
        database.url,
        "select state, query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and (state <> 'idle' or xact_start is not null)",
      )
      // The pages ahead of the reader are read first.
      yield* Effect.sleep("500 millis")
      yield* held.pipe(
        Effect.repeat({
          while: (sessions) => sessions.length > 0,
          schedule: Schedule.spaced("100 millis"),
          times: 100,
        }),
      )
      expect(yield* held).toEqual([])
    }).pipe(Effect.provide(Layer.provideMerge(layerServer(layerPostgres), layerPostgres))),
  )

  it.scopedLive("reads ten million rows no faster than they are taken", () => {
    let pages = 0
    const endless = Layer.map(memoryPorts, (ports): Context.Context<Ports> =>
      Context.add(ports, Store, {
        ...Context.get(ports, Store),
        samples: (_, { fromMs, toMs }, limit = 0) =>
          Effect.sync(() => {
            pages += 1
            const left = Math.min(limit, Math.max(0, Math.floor((toMs - fromMs) / 1_000)))
            return Array.from({ length: left }, (_, i) => ({ ...fullSample(fromMs + i * 1_000), external: null }))
          }),
      }),
    )
    return Effect.gen(function* () {
      const { homeReader, url } = yield* Running
      const response = yield* stalled(`${url}/v1/samples?from=2024-01-01&to=2024-04-26`, homeReader)
      yield* Effect.sleep("1 second")
      const stopped = pages
      expect(stopped).toBeLessThan(60)
      yield* Effect.sleep("500 millis")
      expect(pages).toBe(stopped)
      response.resume()
      yield* Effect.sleep("500 millis")
      expect(pages).toBeGreaterThan(stopped)
    }).pipe(Effect.provide(layerServer(endless)))
  })
})
