import { readFileSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Option, Redacted, Ref, Stream } from "effect"
import { inject } from "vitest"
import { parse } from "yaml"
import { open } from "../server/support/stream.ts"
import { caddyVersion, startCaddy } from "../support/Caddy.ts"
import { Database, layerFreshDatabase } from "../support/Database.ts"
import { freePort } from "../support/FreePort.ts"
import { steadily, timed } from "../support/Load.ts"
import { run, start } from "../support/Programs.ts"
import { runSql } from "../support/PostgresServer.ts"
import { startRedis } from "../support/RedisServer.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"

const readers = 5
const deployed = parse(readFileSync("compose.vps.yml", "utf8"), { merge: true }) as {
  readonly services: { readonly api: { readonly environment: Readonly<Record<string, string>> } }
}
const grace = deployed.services.api.environment["SHUTDOWN_GRACE"] ?? ""
const missing = (await caddyVersion()) === undefined || inject("redisUrl") === undefined

/** A reader as a browser's EventSource is one: it connects again with the id that it saw last. */
const follow = (url: string, token: string, seen: Ref.Ref<ReadonlyArray<string>>, connected: Ref.Ref<number>) =>
  Effect.gen(function* () {
    const ids = yield* Ref.get(seen)
    const last = ids.at(-1)
    const { events, response } = yield* open(url, token, last === undefined ? {} : { "last-event-id": last })
    expect(response.status).toBe(200)
    yield* Ref.update(connected, (n) => n + 1)
    yield* Stream.runForEach(events, ({ id }) => Ref.update(seen, (all) => [...all, id]))
  }).pipe(Effect.scoped, Effect.delay("50 millis"), Effect.forever)

/** The process that answered, by the ids that it gives requests. */
const processOf = (url: string) =>
  Effect.map(timed(`${url}/health/live`), ({ headers }) => headers.get("x-request-id")?.split("-", 1)[0] ?? "")

const until = <A>(read: Effect.Effect<A>, holds: (value: A) => boolean) =>
  Effect.repeat(Effect.delay(read, "50 millis"), { until: holds })

describe.skipIf(missing)("two servers behind Caddy (skipped where caddy or redis-server is not installed)", () => {
  it.scopedLive(
    "are restarted one after the other under load: no request fails, and streams go on by themselves",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const { url: databaseUrl } = yield* Database
        const redis = yield* startRedis(folder)
        const ports = [yield* Effect.promise(freePort), yield* Effect.promise(freePort)] as const
        const env = {
          DATABASE_URL: Redacted.value(databaseUrl),
          REDIS_URL: redis?.url ?? "",
          LOG_FORMAT: "json",
          TRUSTED_PROXIES: "127.0.0.1",
          SHUTDOWN_GRACE: grace,
          REQUESTS_PER_TOKEN: "100000",
        }
        const launch = (port: number) =>
          Effect.tap(start("p1-api", { ...env, PORT: String(port) }), (api) => api.says(/The API is ready/))
        const added = yield* run("p1-api", env, ["devices", "add", "Home", "--json"])
        const { token } = JSON.parse(added.said) as { readonly token: string }
        const reader = (
          JSON.parse((yield* run("p1-api", env, ["tokens", "add", "--read", "home", "--json"])).said) as {
            readonly token: string
          }
        ).token

        const servers = [yield* launch(ports[0]), yield* launch(ports[1])]
        const url = yield* startCaddy({ folder, upstreams: ports })
        const sent = yield* Ref.make(0)
        const writes = yield* steadily(
          250,
          Effect.flatMap(
            Ref.updateAndGet(sent, (n) => n + 1),
            (n) =>
              timed(`${url}/v1/ingest`, {
                method: "POST",
                headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
                body: JSON.stringify({ samples: [{ ts: new Date().toISOString(), power_w: n }] }),
              }),
          ),
        )
        yield* until(writes.count, (count) => count > 1)
        const headers = { authorization: `Bearer ${reader}` }
        const reads = yield* steadily(50, timed(`${url}/v1/realtime`, { headers }))
        const seen = yield* Effect.all(Array.from({ length: readers }, () => Ref.make<ReadonlyArray<string>>([])))
        const connected = yield* Ref.make(0)
        yield* Effect.forEach(seen, (ids) => Effect.forkScoped(follow(url, reader, ids, connected)))
        yield* until(Ref.get(connected), (count) => count >= readers)

        for (const [i, port] of ports.entries()) {
          yield* servers[i]?.signal("SIGTERM") ?? Effect.void
          const code = yield* Effect.timeoutOption(servers[i]?.ended ?? Effect.succeed(null), "30 seconds")
          expect(code).toEqual(Option.some(0))
          servers[i] = yield* launch(port)
          const again = yield* processOf(`http://127.0.0.1:${port}`)
          yield* until(processOf(url), (answering) => answering === again)
        }

        const [last] = yield* runSql(databaseUrl, "select revision::float8 as revision from p1_devices")
        const revision = Number(last?.["revision"])
        for (const ids of seen) yield* until(Ref.get(ids), (all) => Number(all.at(-1)) >= revision)

        const answered = [...(yield* reads.take), ...(yield* writes.take)]
        expect(answered.filter(({ status }) => status !== 200).map(({ status, text }) => [status, text])).toEqual([])
        expect(answered.length).toBeGreaterThan(100)
        const [row] = yield* runSql(databaseUrl, "select count(*)::int as n from p1_samples")
        expect(Number(row?.["n"])).toBeGreaterThan(10)
        // Every stream was ended by one of the restarts at least, came again, and went on.
        expect(yield* Ref.get(connected)).toBeGreaterThanOrEqual(2 * readers)
        for (const ids of yield* Effect.all(seen.map(Ref.get))) {
          const numbers = ids.map(Number)
          expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
        }
      }).pipe(Effect.provide(layerFreshDatabase)),
    120_000,
  )
})
