import { describe, expect, layer } from "@effect/vitest"
import { DateTime, Effect, Exit, type Layer, Option } from "effect"
import { type Device, fromEpochMillis, type TokenRecord } from "../../src/domain/index.ts"
import { DeviceExists, Registry, Store } from "../../src/domain/ports/index.ts"
import { MemoryRegistry } from "../../src/infra/memory/index.ts"
import { layerFreshStore } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { Database } from "../support/Database.ts"
import { baseMs } from "../support/Samples.ts"
import { everySecond } from "../support/Stores.ts"

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
        yield* registry.renameDevice("barn", "Stal")
        expect(yield* registry.findDevice("barn")).toEqual(Option.some({ ...barn, name: "Stal" }))
      }),
    )

    it.effect(
      "lists tokens without their digests, notes their use to the minute, and finds none that was revoked",
      () =>
        Effect.gen(function* () {
          const registry = yield* Registry
          const at = DateTime.unsafeMake("2026-03-01T10:00:00Z")
          const later = (seconds: number) => DateTime.add(at, { seconds })
          const lastUse = Effect.map(registry.tokens, ([first]) => first?.lastUsedAt)
          expect(yield* registry.tokens).toMatchObject([
            { tokenId: token.tokenId, kind: "read", deviceIds: ["barn", "home"], lastUsedAt: null, revokedAt: null },
          ])
          expect(JSON.stringify(yield* registry.tokens)).not.toContain("fff")
          yield* registry.noteUse(token.tokenId, at)
          yield* registry.noteUse(token.tokenId, later(59))
          expect(yield* lastUse).toEqual(at)
          yield* registry.noteUse(token.tokenId, later(60))
          expect(yield* lastUse).toEqual(later(60))
          yield* registry.revokeToken(token.tokenId)
          expect(yield* registry.findToken(token.tokenId)).toEqual(Option.none())
          const [revoked] = yield* registry.tokens
          yield* registry.revokeToken(token.tokenId)
          expect(revoked?.revokedAt).not.toBeNull()
          expect(yield* registry.tokens).toEqual([revoked])
        }),
    )

    it.effect("lets two device tokens of a device work, however many are added at once", () =>
      Effect.gen(function* () {
        const registry = yield* Registry
        const add = (n: number) =>
          Effect.exit(registry.addToken({ tokenId: `t${n}`, kind: "device", sha256: "0", deviceIds: ["home"] }))
        const exits = yield* Effect.forEach([1, 2, 3, 4], add, { concurrency: "unbounded" })
        expect(exits.filter(Exit.isSuccess)).toHaveLength(2)
        yield* registry.addToken({ tokenId: "other", kind: "device", sha256: "0", deviceIds: ["barn"] })
      }),
    )

    it.effect("forgets a device with its own tokens; a read token goes on with the others it sees", () =>
      Effect.gen(function* () {
        const registry = yield* Registry
        yield* registry.addToken({ tokenId: "both", kind: "read", sha256: "0", deviceIds: ["barn", "home"] })
        yield* registry.addToken({ tokenId: "only", kind: "read", sha256: "0", deviceIds: ["home"] })
        yield* registry.removeDevice("home")
        expect(yield* registry.devices).toMatchObject([{ deviceId: "barn" }])
        const left = (yield* registry.tokens).map(({ deviceIds, tokenId }) => [tokenId, deviceIds])
        expect(left).toEqual(
          expect.arrayContaining([
            ["both", ["barn"]],
            ["other", ["barn"]],
          ]),
        )
        expect(left.flat(2)).not.toContain("home")
        expect(left.flat(2)).not.toContain("only")
      }),
    )
  })
})

layer(layerFreshStore, { excludeTestServices: true, timeout: "60 seconds" })("a device in PostgreSQL", (it) => {
  it.effect("is counted and removed from every table that knows devices, and nobody else is", () =>
    Effect.gen(function* () {
      const registry = yield* Registry
      const store = yield* Store
      const { url } = yield* Database
      const samples = [0, 1, 40].flatMap((day) => everySecond(baseMs + day * 86_400_000, 3))
      for (const device of [home, barn]) {
        yield* registry.addDevice(device)
        yield* registry.addToken({ ...token, tokenId: device.deviceId, deviceIds: [device.deviceId] })
        yield* store.ingest(device.deviceId, {
          samples,
          meter: null,
          meteredPeaks: [{ month: "2026-01", peakW: 3000, peakTs: null }],
          receivedAt: fromEpochMillis(baseMs + 50 * 86_400_000),
        })
      }
      const before = yield* registry.contents("home")
      expect(before).toMatchObject({ samples: 9, quarter_hours: 3, metered_peaks: 1 })
      yield* registry.removeDevice("home")
      expect(yield* registry.contents("home")).toEqual({})
      expect(yield* registry.contents("barn")).toEqual(before)
      expect(yield* runSql(url, "select token_id from p1_tokens")).toEqual([{ token_id: "barn" }])
    }),
  )
})
