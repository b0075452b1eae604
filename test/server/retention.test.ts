import { expect, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { CryptoSecrets } from "../../src/infra/crypto/index.ts"
import { MemoryCaches } from "../../src/infra/memory/index.ts"
import { PostgresClient, PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { Database, layerFreshDatabase, layerFreshStore } from "../support/Database.ts"
import { layerServer, Running, send } from "./support/server.ts"

const ports = Layer.orDie(Layer.mergeAll(layerFreshStore, CryptoSecrets.layer, MemoryCaches.layer))
const server = Layer.merge(layerServer(ports), layerFreshDatabase)

layer(server, { excludeTestServices: true, timeout: "60 seconds" })("a batch beyond the horizon", (it) => {
  it.effect("is refused row by row, and the rest of it is stored", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      const { url } = yield* Database
      yield* PostgresUpkeep.dropBefore(Date.UTC(2026, 2, 1)).pipe(
        Effect.provide(PostgresClient.layer({ url, maxConnections: 1 })),
      )
      const rows = [
        { ts: "2026-03-01T00:00:01Z", power_w: 1 },
        { ts: "2026-02-28T23:59:59Z", power_w: 2 },
        { ts: "nonsense", power_w: 3 },
        { ts: "2026-01-01T00:00:00Z", power_w: 4 },
        { ts: "2026-03-01T00:00:00Z", power_w: 5 },
      ]
      const reply = yield* send(home, { samples: rows })
      expect(reply.json).toMatchObject({
        received: 5,
        inserted: 2,
        duplicates: 0,
        rejected: [
          { index: 1, code: "before_retention" },
          { index: 2, code: "invalid" },
          { index: 3, code: "before_retention" },
        ],
      })
      const again = yield* send(home, { samples: rows })
      expect(again.json).toMatchObject({ received: 5, inserted: 0, duplicates: 2 })
    }),
  )
})
