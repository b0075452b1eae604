import { expect, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { CryptoSecrets } from "../../src/infra/crypto/index.ts"
import { MemoryCaches } from "../../src/infra/memory/index.ts"
import { PostgresClient, PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { Database, layerFreshDatabase, layerFreshStore } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { isThere } from "../support/Timescale.ts"
import { call, layerServer, Running, send } from "./support/server.ts"

const ports = Layer.orDie(Layer.mergeAll(layerFreshStore, CryptoSecrets.layer, MemoryCaches.layer))
const client = Layer.unwrapEffect(Effect.map(Database, ({ url }) => PostgresClient.layer({ url, maxConnections: 3 })))
const server = Layer.mergeAll(layerServer(ports), Layer.orDie(client)).pipe(Layer.provideMerge(layerFreshDatabase))

const fromMs = Date.UTC(2026, 2, 28, 23)
const minutes = (from: number, to: number) => ({
  samples: Array.from({ length: to - from }, (_, i) => ({
    ts: new Date(fromMs + (from + i) * 60_000).toISOString(),
    power_w: 100,
  })),
})

/** How many minutes a reader is told of. */
const told = Effect.gen(function* () {
  const { homeReader } = yield* Running
  const path = "/v1/series?from=2026-03-29&to=2026-03-30&bucket=minute"
  const { json } = yield* call(path, { token: homeReader })
  return (json as { readonly series: ReadonlyArray<unknown> }).series.length
})
const onlyWithTimescale = <E, R>(effect: Effect.Effect<unknown, E, R>): Effect.Effect<unknown, E, R> =>
  isThere ? effect : Effect.void
const refreshed = onlyWithTimescale(PostgresUpkeep.refreshLate)

layer(server, { excludeTestServices: true, timeout: "60 seconds" })("a cached power curve", (it) => {
  it.effect("has late samples when they are aggregated, also where it was asked for before", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      yield* send(home, minutes(0, 20))
      yield* send(home, minutes(40, 60))
      yield* refreshed
      expect(yield* told).toBe(40)
      yield* send(home, minutes(20, 40))
      expect(yield* told).toBe(isThere ? 40 : 60)
      yield* refreshed
      expect(yield* told).toBe(60)
    }),
  )

  if (isThere) {
    it.effect("has what was lost of it when that is found and repaired", () =>
      Effect.gen(function* () {
        const { barn, bothReader } = yield* Running
        const { url } = yield* Database
        yield* send(barn, minutes(0, 60))
        yield* refreshed
        const [kept] = yield* runSql(
          url,
          `select format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name) as name
           from timescaledb_information.continuous_aggregates where view_name = 'p1_power_minutes'`,
        )
        yield* runSql(
          url,
          `delete from ${String(kept?.["name"])} where device_id = 'barn' and bucket < '2026-03-28T23:30:00Z'`,
        )
        const path = "/v1/series?device_id=barn&from=2026-03-29&to=2026-03-30&bucket=minute"
        const before = yield* call(path, { token: bothReader })
        expect(yield* PostgresUpkeep.repairDay("barn", { fromMs, toMs: fromMs + 3_600_000 })).toBe(30)
        yield* Effect.sleep("1100 millis")
        const after = yield* call(path, { token: bothReader })
        expect([before, after].map(({ json }) => json)).toMatchObject([
          { series: Array.from({ length: 30 }, () => ({})) },
          { series: Array.from({ length: 60 }, () => ({})) },
        ])
      }),
    )
  }
})
