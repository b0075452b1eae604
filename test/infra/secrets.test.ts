import { expect, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import { parseToken } from "../../src/domain/index.ts"
import { Secrets } from "../../src/domain/ports/index.ts"
import { CryptoSecrets } from "../../src/infra/crypto/index.ts"

const secrets = Effect.provide(Secrets, CryptoSecrets.layer)

it.effect("mints tokens that are well formed, of their kind, and never the same", () =>
  Effect.gen(function* () {
    const { mint } = yield* secrets
    const tokens = yield* Effect.all(Array.from({ length: 500 }, () => mint("read")))
    expect(tokens.every((token) => Option.exists(parseToken(token), ({ kind }) => kind === "read"))).toBe(true)
    expect(new Set(tokens.map(Redacted.value)).size).toBe(500)
    const ids = tokens.map((token) => Option.getOrThrow(parseToken(token)).tokenId)
    expect(new Set(ids).size).toBe(500)
    expect(Option.map(parseToken(yield* mint("device")), ({ kind }) => kind)).toEqual(Option.some("device"))
  }),
)

it.effect("digests by SHA-256 and compares", () =>
  Effect.gen(function* () {
    const { equal, sha256 } = yield* secrets
    const abc = yield* sha256(Redacted.make("abc"))
    // FIPS 180-2, appendix B.1
    expect(abc).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    expect(yield* equal(abc, abc)).toBe(true)
    expect(yield* equal(abc, `c${abc.slice(1)}`)).toBe(false)
    expect(yield* equal(abc, abc.slice(1))).toBe(false)
    expect(yield* equal("", "")).toBe(true)
  }),
)
