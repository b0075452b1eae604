import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { Effect, Layer, Option, Redacted } from "effect"
import { formatToken, tokenLetter, tokenRandomLength } from "../../domain/index.ts"
import { Secrets } from "../../domain/ports/index.ts"

const randomLetters = (): string => {
  let letters = ""
  while (letters.length < tokenRandomLength) {
    for (const byte of randomBytes(tokenRandomLength)) letters += Option.getOrElse(tokenLetter(byte), () => "")
  }
  return letters
}

/** Tokens from the system's random source, digests by node:crypto. */
export const layer: Layer.Layer<Secrets> = Layer.succeed(Secrets, {
  mint: (kind) => Effect.sync(() => formatToken(kind, randomLetters())),
  sha256: (token) => Effect.sync(() => createHash("sha256").update(Redacted.value(token)).digest("hex")),
  equal: (a, b) => Effect.sync(() => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))),
})
