import { Context, type Effect, type Option } from "effect"
import type { SpoolError } from "./Spool.ts"

/** What the edge remembers across restarts besides samples: short texts by key. */
export class EdgeState extends Context.Tag("domain/EdgeState")<
  EdgeState,
  {
    readonly get: (key: string) => Effect.Effect<Option.Option<string>, SpoolError>
    /** Returns when the value is on the disk; it replaces the one before. */
    readonly set: (key: string, value: string) => Effect.Effect<void, SpoolError>
  }
>() {}
