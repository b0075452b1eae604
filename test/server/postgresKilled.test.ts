import { expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Ref, Schedule } from "effect"
import { CryptoSecrets } from "../../src/infra/crypto/index.ts"
import { MemoryCaches } from "../../src/infra/memory/index.ts"
import { PostgresStore } from "../../src/infra/postgres/index.ts"
import { expectDocumented, type Reply, steadily, timed } from "../support/Load.ts"
import { runSql } from "../support/PostgresServer.ts"
import { restartablePostgres } from "../support/Restartable.ts"
import { layerServer, Running } from "./support/server.ts"

const rounds = 2
const firstMs = Date.UTC(2026, 0, 1)

it.scopedLive(
  "PostgreSQL killed under load: 503 and when to ask again, soon; then as before; and nothing lost or twice",
  () =>
    Effect.gen(function* () {
      const postgres = yield* restartablePostgres
      const ports = Layer.orDie(
        Layer.mergeAll(PostgresStore.layer({ url: postgres.url }), MemoryCaches.layer, CryptoSecrets.layer),
      )
      const { home, homeReader, url } = Context.get(yield* Layer.build(layerServer(ports)), Running)
      const kill = Effect.gen(function* () {
        const [row] = yield* runSql(postgres.url, `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`)
        process.kill(Number(row?.["pid"]), "SIGKILL")
      })

      // A writer as the edge is one: each batch again until it is stored.
      const next = yield* Ref.make(0)
      const stored = yield* Ref.make<ReadonlyArray<number>>([])
      const attempts = yield* Ref.make<ReadonlyArray<Reply>>([])
      const write = Effect.gen(function* () {
        const n = yield* Ref.getAndUpdate(next, (at) => at + 10)
        const rows = Array.from({ length: 10 }, (_, i) => n + i)
        const body = JSON.stringify({
          samples: rows.map((row) => ({ ts: new Date(firstMs + row * 1_000).toISOString(), power_w: row })),
        })
        const attempt = timed(`${url}/v1/ingest`, {
          method: "POST",
          headers: { authorization: `Bearer ${home}`, "content-type": "application/json" },
          body,
        }).pipe(Effect.tap((reply) => Ref.update(attempts, (all) => [...all, reply])))
        yield* Effect.repeat(attempt, {
          until: ({ status }) => status === 200,
          schedule: Schedule.spaced("100 millis"),
        })
        yield* Ref.update(stored, (all) => [...all, ...rows])
      })
      const stop = yield* Ref.make(false)
      const writers = yield* Effect.forkScoped(
        Effect.all(
          Array.from({ length: 4 }, () =>
            Effect.repeat(Effect.delay(write, "100 millis"), { until: () => Ref.get(stop) }),
          ),
          { concurrency: "unbounded", discard: true },
        ),
      )
      const reads = yield* steadily(
        50,
        timed(`${url}/v1/series?frame=day&at=2026-01-01`, { headers: { authorization: `Bearer ${homeReader}` } }),
      )

      for (let round = 0; round < rounds; round++) {
        yield* Effect.sleep("1 second")
        yield* reads.take
        yield* Ref.set(attempts, [])
        yield* kill
        yield* postgres.stop
        const refused = Effect.map(Ref.get(attempts), (all) => all.filter(({ status }) => status === 503).length)
        yield* Effect.repeat(Effect.delay(refused, "50 millis"), { until: (count) => count > 10 })
        const away = [...(yield* reads.take), ...(yield* Ref.getAndSet(attempts, []))]
        for (const { headers, status, text } of expectDocumented(away)) {
          expect([200, 503], text).toContain(status)
          if (status === 503) expect(Number(headers.get("retry-after"))).toBeGreaterThan(0)
        }
        yield* postgres.start
        yield* Effect.repeat(Effect.delay(Ref.get(attempts), "50 millis"), {
          until: (all) => all.some(({ status }) => status === 200),
        })
      }
      yield* Ref.set(stop, true)
      yield* writers.await

      const rows = yield* runSql(
        postgres.url,
        "select power_w, extract(epoch from ts) as s from p1_samples order by ts",
      )
      const ledger = [...(yield* Ref.get(stored))].sort((a, b) => a - b)
      expect(rows.map((row) => [row["power_w"], Number(row["s"])])).toEqual(ledger.map((n) => [n, firstMs / 1_000 + n]))
      expect(ledger.length).toBeGreaterThan(100)
    }),
  90_000,
)
