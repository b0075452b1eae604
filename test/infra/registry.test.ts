import { describe, expect, layer } from "@effect/vitest"
import { Effect, type Layer, Option } from "effect"
import { type Device, type TokenRecord } from "../../src/domain/index.ts"
import { DeviceExists, Registry } from "../../src/domain/ports/index.ts"
import { MemoryRegistry } from "../../src/infra/memory/index.ts"
import { layerFreshStore } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { Database } from "../support/Database.ts"

const home: Device = { deviceId: "home", name: "Zonnestraat 12", zone: "Europe/Brussels" }
const barn: Device = { deviceId: "barn", name: "Schuur", zone: "Europe/Amsterdam" }
const token: TokenRecord = { tokenId: "abc0123456", kind: "read", sha256: "f".repeat(64), deviceIds: ["barn", "home"] }

const registries: Readonly<Record<string, Layer.Layer<Registry, unknown>>> = {
  memory: MemoryRegistry.layer,
  PostgreSQL: layerFreshStore,
}

describe.each(Object.entries(registries))("registry: %s", (_, registryLayer) => {
  layer(registryLayer, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
    it.effect("keeps devices and tokens", () =>
      Effect.gen(function* () {
        const registry = yield* Registry
        expect(yield* registry.devices).toEqual([])
        yield* registry.addDevice(home)
        yield* registry.addDevice(barn)
        expect(yield* registry.devices).toEqual([barn, home])
        expect(yield* registry.findDevice("home")).toEqual(Option.some(home))
        expect(yield* registry.findDevice("nobody")).toEqual(Option.none())
        expect(yield* Effect.flip(registry.addDevice({ ...home, name: "Other" }))).toEqual(
          new DeviceExists({ deviceId: "home" }),
        )
        yield* registry.addToken(token)
        expect(yield* registry.findToken(token.tokenId)).toEqual(Option.some(token))
        expect(yield* registry.findToken("unknown")).toEqual(Option.none())
      }),
    )
  })
})

layer(layerFreshStore, { excludeTestServices: true, timeout: "60 seconds" })("registry: PostgreSQL", (it) => {
  it.effect("finds no token that was revoked", () =>
    Effect.gen(function* () {
      const registry = yield* Registry
      const { url } = yield* Database
      yield* registry.addDevice(home)
      yield* registry.addToken({ ...token, deviceIds: ["home"] })
      yield* runSql(url, "update p1_tokens set revoked_at = now()")
      expect(yield* registry.findToken(token.tokenId)).toEqual(Option.none())
    }),
  )
})
