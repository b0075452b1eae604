import { expect, layer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { Registry, Store } from "../../src/domain/ports/index.ts"
import { CryptoSecrets } from "../../src/infra/crypto/index.ts"
import { MemoryCaches } from "../../src/infra/memory/index.ts"
import { PostgresStore } from "../../src/infra/postgres/index.ts"
import { Admin } from "../../src/server/index.ts"
import { Database, layerFreshDatabase, layerFreshStore } from "../support/Database.ts"
import { baseMs, batchOf } from "../support/Samples.ts"
import { always, everySecond, newDevice, quartersByDomain } from "../support/Stores.ts"
import { call, layerServer, Running, send } from "./support/server.ts"

/* What was remembered of a device that was removed is not taken for what one says that was added under its name. */

const ports = Layer.orDie(Layer.mergeAll(layerFreshStore, CryptoSecrets.layer, MemoryCaches.layer))
const server = layerServer(ports).pipe(Layer.provideMerge(layerFreshDatabase))

const month = "/v1/capacity/month/2024-01?top=1"
const quarter = (powerW: number) => ({
  samples: [0, 450, 900].map((second) => ({
    ts: new Date(Date.UTC(2024, 0, 5, 10) + second * 1000).toISOString(),
    power_w: powerW,
    energy_import_kwh: 100 + (second * powerW) / 3_600_000,
  })),
})

layer(server, { excludeTestServices: true, timeout: "60 seconds" })(
  "a device that was removed and added again",
  (it) => {
    it.effect("is answered for by what it sent itself", () =>
      Effect.gen(function* () {
        const { home, homeReader } = yield* Running
        yield* send(home, quarter(1_000))
        const before = yield* call(month, { token: homeReader })
        expect(before.json).toMatchObject({ peaks: [{ avg_power_w: 1_000 }] })
        yield* Effect.flatMap(Registry, (registry) => registry.removeDevice("home"))
        const again = yield* Admin.addDevice("Home", "Europe/Brussels")
        expect(again.deviceId).toBe("home")
        yield* send(Redacted.value(again.token), quarter(2_000))
        const token = Redacted.value(yield* Admin.addReadToken(["home"]))
        const etag = before.headers.get("etag") ?? ""
        const after = yield* call(month, { token, headers: { "if-none-match": etag } })
        expect(after.json).toMatchObject({ peaks: [{ avg_power_w: 2_000 }] })
      }),
    )

    it.effect("goes on from its own samples, also in a process that knew the one before", () =>
      Effect.gen(function* () {
        const { url } = yield* Database
        const store = yield* Store
        const other = Context.get(yield* Layer.build(Layer.fresh(PostgresStore.layer({ url }))), Store)
        const registry = yield* Registry
        const deviceId = yield* newDevice
        const device = yield* Effect.flatten(registry.findDevice(deviceId))
        yield* store.ingest(deviceId, batchOf(everySecond(baseMs, 30, 1_000)))
        yield* registry.removeDevice(deviceId)
        yield* registry.addDevice(device)
        const own = everySecond(baseMs, 60, 1_200)
        yield* other.ingest(deviceId, batchOf(own.slice(0, 30)))
        yield* store.ingest(deviceId, batchOf(own.slice(30)))
        expect(yield* store.quarterHours(deviceId, always)).toEqual(quartersByDomain(own))
      }).pipe(Effect.scoped),
    )
  },
)
