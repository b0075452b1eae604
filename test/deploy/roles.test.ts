import { readFile } from "node:fs/promises"
import { expect, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import { fromEpochMillis } from "../../src/domain/index.ts"
import { Registry, Store, StoreAdmin } from "../../src/domain/ports/index.ts"
import { PostgresAdmin, PostgresStore } from "../../src/infra/postgres/index.ts"
import { freshDatabase } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { baseMs, batchOf, sampleAt } from "../support/Samples.ts"
import { always, newDevice } from "../support/Stores.ts"

it.scopedLive("the API's role does all that the API does, and changes no table", () =>
  Effect.gen(function* () {
    const url = yield* freshDatabase
    const role = `p1_api_${crypto.randomUUID().replaceAll("-", "")}`
    const script = yield* Effect.promise(() => readFile("deploy/roles.sql", "utf8"))
    const statements = script
      .replace(/^(--|\\).*$/gm, "")
      .replaceAll("p1_api", role)
      .replace(":'password'", "'secret'")
    yield* runSql(url, statements)
    yield* Effect.addFinalizer(() => runSql(url, `drop owned by ${role}; drop role ${role}`))
    const address = new URL(Redacted.value(url))
    address.username = role
    address.password = "secret"
    const options = { url: Redacted.make(address.href), maxConnections: 2 }
    const asApi = PostgresStore.layer(options)

    const tooEarly = yield* Effect.flip(Effect.provide(Store, asApi))
    expect(tooEarly.message).toMatch(/could not be brought up to date/)

    yield* Effect.provide(Store, PostgresStore.layer({ url, maxConnections: 2 }))
    yield* Effect.gen(function* () {
      const store = yield* Store
      const deviceId = yield* newDevice
      yield* store.ingest(deviceId, batchOf([sampleAt(baseMs), sampleAt(baseMs + 1000)]))
      yield* store.ingest(deviceId, batchOf([sampleAt(baseMs - 900_000)]))
      expect(yield* store.samples(deviceId, always)).toHaveLength(3)
      expect(yield* store.quarterHours(deviceId, always)).toHaveLength(2)
      expect(Option.isSome(yield* store.latest(deviceId, fromEpochMillis(baseMs + 1000)))).toBe(true)
      expect(yield* store.powerCurve(deviceId, always, "minute")).toHaveLength(2)
      expect((yield* (yield* StoreAdmin).status).samples.bytes).toBeGreaterThan(0)
      yield* (yield* Registry).removeDevice(deviceId)
      expect(yield* store.powerCurve(deviceId, always, "minute")).toEqual([])
    }).pipe(Effect.provide([asApi, PostgresAdmin.layer(options)]))

    for (const change of ["create table t (x int)", "alter table p1_samples add x int", "drop table p1_samples"]) {
      const refused = yield* Effect.exit(runSql(Redacted.make(address.href), change))
      expect(String(refused)).toMatch(/"42501"/)
    }
  }),
)
