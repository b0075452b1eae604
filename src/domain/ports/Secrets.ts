import { Context, type Effect, type Redacted } from "effect"
import type { TokenKind } from "../Token.ts"

/** What needs a cryptographic library: making tokens and comparing them. */
export class Secrets extends Context.Tag("domain/Secrets")<
  Secrets,
  {
    readonly mint: (kind: TokenKind) => Effect.Effect<Redacted.Redacted>
    /** SHA-256 in small hexadecimal. */
    readonly sha256: (token: Redacted.Redacted) => Effect.Effect<string>
    /** Whether two digests are equal, in a time that does not depend on where they differ. */
    readonly equal: (a: string, b: string) => Effect.Effect<boolean>
  }
>() {}
