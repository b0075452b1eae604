import { expect, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted, TestClock } from "effect"
import { parseToken } from "../../src/domain/index.ts"
import { Registry, Secrets, StoreUnavailable } from "../../src/domain/ports/index.ts"
import { CryptoSecrets } from "../../src/infra/crypto/index.ts"
import { MemoryRegistry } from "../../src/infra/memory/index.ts"
import { Admin } from "../../src/server/index.ts"
import * as Lookups from "../../src/server/Lookups.ts"
import * as TokenUse from "../../src/server/TokenUse.ts"

const ports = Layer.merge(MemoryRegistry.layer, CryptoSecrets.layer)

it.effect("devices of one name get ids of their own, as long as an id may be", () =>
  Effect.gen(function* () {
    const add = (name: string) => Effect.map(Admin.addDevice(name, "Europe/Brussels"), ({ deviceId }) => deviceId)
    expect(yield* Effect.all([add("Zonnestraat 12"), add("Zonnestraat 12"), add("zonnestraat-12")])).toEqual([
      "zonnestraat-12",
      "zonnestraat-12-2",
      "zonnestraat-12-3",
    ])
    const long = "a".repeat(80)
    expect(yield* Effect.all([add(long), add(long)])).toEqual(["a".repeat(64), `${"a".repeat(62)}-2`])
  }).pipe(Effect.provide(ports)),
)

it.effect("of a token only its digest is kept", () =>
  Effect.gen(function* () {
    const { deviceId, token } = yield* Admin.addDevice("Home", "Europe/Brussels")
    const { findToken } = yield* Registry
    const { sha256 } = yield* Secrets
    const { tokenId } = Option.getOrThrow(parseToken(token))
    const record = Option.getOrThrow(yield* findToken(tokenId))
    expect(record).toEqual({ tokenId, kind: "device", sha256: yield* sha256(token), deviceIds: [deviceId] })
    expect(JSON.stringify(record)).not.toContain(Redacted.value(token).slice(20, 40))
  }).pipe(Effect.provide(ports)),
)

it.effect("a read token is made only for devices that are there", () =>
  Effect.gen(function* () {
    yield* Admin.addDevice("Home", "Europe/Brussels")
    const failure = yield* Effect.flip(Admin.addReadToken(["home", "barn"]))
    expect(failure.message).toBe("There is no device barn.")
  }).pipe(Effect.provide(ports)),
)

it.effect("a device token is exchanged for a new one while the old one works; there are never more than two", () =>
  Effect.gen(function* () {
    const { findToken } = yield* Registry
    const { token } = yield* Admin.addDevice("Home", "Europe/Brussels")
    const old = Option.getOrThrow(parseToken(token)).tokenId
    const { token: second } = yield* Admin.rotateToken(old)
    const { tokenId } = Option.getOrThrow(parseToken(second))
    expect(Option.isSome(yield* findToken(old)) && Option.isSome(yield* findToken(tokenId))).toBe(true)
    const full = yield* Effect.flip(Admin.rotateToken(tokenId))
    expect(full.message).toBe("Device home has 2 working tokens already: revoke one of them first.")
    yield* Admin.revokeToken(old)
    expect(yield* findToken(old)).toEqual(Option.none())
    expect((yield* Effect.flip(Admin.revokeToken(old))).message).toContain(`no working token ${old}`)
    yield* Admin.rotateToken(tokenId)
  }).pipe(Effect.provide(ports)),
)

it.effect("the use of a token is noted once a minute", () => {
  const noted: Array<number> = []
  const registry = Layer.mock(Registry, {
    noteUse: (_, at) => Effect.sync(() => void noted.push(at.epochMillis)),
  })
  return Effect.gen(function* () {
    const { note } = yield* TokenUse.TokenUse
    for (let second = 0; second <= 120; second++) {
      yield* note("a")
      yield* TestClock.adjust("1 second")
    }
    expect(noted).toEqual([0, 60_000, 120_000])
  }).pipe(Effect.provide(Layer.provide(TokenUse.layer, registry)))
})

it.effect("what the registry says is remembered for less than five seconds, its failures not at all", () => {
  const asked: Array<string> = []
  const registry = Layer.mock(Registry, {
    findToken: (tokenId) =>
      Effect.suspend(() => {
        asked.push(tokenId)
        return tokenId === "away" ? new StoreUnavailable({ message: "away" }) : Effect.succeedNone
      }),
  })
  return Effect.gen(function* () {
    const { token } = yield* Lookups.Lookups
    yield* token("a")
    yield* TestClock.adjust("3400 millis")
    yield* token("a")
    expect(asked).toEqual(["a"])
    yield* TestClock.adjust("200 millis")
    yield* token("a")
    yield* Effect.flip(token("away"))
    yield* Effect.flip(token("away"))
    expect(asked).toEqual(["a", "a", "away", "away"])
  }).pipe(Effect.provide(Layer.provide(Lookups.layer, registry)))
})
