import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted, Schedule } from "effect"
import { expectContract } from "../server/support/Contract.ts"
import { freePort } from "../support/FreePort.ts"
import { runSql } from "../support/PostgresServer.ts"
import { start } from "../support/Programs.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"

const get = (url: string, token: string) =>
  Effect.promise(async () => {
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    const text = await response.text()
    const contentType = response.headers.get("content-type")
    expectContract("GET", new URL(url).pathname, { status: response.status, contentType, text })
    return { status: response.status, json: JSON.parse(text) as Record<string, unknown> }
  })

/** Waits until a process keeps the database in order: it holds the lock that only one does. */
const maintained = (addressFile: string) =>
  Effect.gen(function* () {
    const { databaseUrl } = JSON.parse(yield* Effect.promise(() => readFile(addressFile, "utf8"))) as {
      readonly databaseUrl: string
    }
    const held = "select 1 from pg_locks where locktype = 'advisory' and objid = 7031903"
    yield* Effect.filterOrFail(runSql(Redacted.make(databaseUrl), held), (rows) => rows.length === 1)
  }).pipe(Effect.retry(Schedule.intersect(Schedule.spaced("200 millis"), Schedule.recurs(100))))

const readToken = /Read token {2}(p1r_\w+)/

describe("the one command", () => {
  it.scopedLive(
    "runs the whole pipeline on nothing, ends cleanly, and goes on with the same data",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const port = String(yield* Effect.promise(freePort))
        const env = { DATA_DIR: join(folder, "data"), PORT: port }
        const realtimeUrl = `http://127.0.0.1:${port}/v1/realtime`

        const first = yield* start("p1-start", env)
        const [, token = ""] = yield* first.says(readToken)
        yield* first.says(/from the grid|to the grid/)
        expect(first.said()).toMatch(/PostgreSQL \d+\.\d+/)
        const before = yield* get(realtimeUrl, token)
        expect(before).toMatchObject({ status: 200, json: { device_id: "home", stale: false } })

        yield* maintained(join(env.DATA_DIR, "p1-api.json"))

        // The port is taken now: one line that says so, and what to do.
        const other = yield* start("p1-start", { ...env, DATA_DIR: join(folder, "other") })
        expect(yield* other.ended).toBe(1)
        expect(other.said()).toContain(`Port ${port} on 127.0.0.1 is taken: stop what uses it, or set PORT`)

        yield* first.signal("SIGINT")
        expect(yield* first.ended).toBe(0)
        expect(first.said()).toContain("Stopped.")

        const second = yield* start("p1-start", env)
        const [, sameToken = ""] = yield* second.says(readToken)
        expect(sameToken).toBe(token)
        yield* second.says(/uploaded [1-9]/)
        const after = yield* get(realtimeUrl, token)
        expect(Date.parse(String(after.json["ts"]))).toBeGreaterThan(Date.parse(String(before.json["ts"])))
        expect(Number(after.json["energy_import_kwh"])).toBeGreaterThanOrEqual(Number(before.json["energy_import_kwh"]))

        const today = yield* get(`http://127.0.0.1:${port}/v1/series?frame=all`, token)
        expect(today.status).toBe(200)
        yield* second.signal("SIGTERM")
        expect(yield* second.ended).toBe(0)
      }),
    180_000,
  )
})
