import { Clock, Context, Effect, FiberSet, Layer } from "effect"
import { fromEpochMillis, useNotedEveryMs } from "../domain/index.ts"
import { Registry } from "../domain/ports/index.ts"

/** When a token was last used, for the list of tokens. */
export class TokenUse extends Context.Tag("server/TokenUse")<
  TokenUse,
  {
    /** Notes a use at most once a minute; nobody waits for it, and it never fails. */
    readonly note: (tokenId: string) => Effect.Effect<void>
  }
>() {}

const capacity = 10_000

export const layer: Layer.Layer<TokenUse, never, Registry> = Layer.scoped(
  TokenUse,
  Effect.gen(function* () {
    const { noteUse } = yield* Registry
    const fork = yield* FiberSet.makeRuntime<never>()
    const noted = new Map<string, number>()
    return TokenUse.of({
      note: (tokenId) =>
        Effect.map(Clock.currentTimeMillis, (nowMs) => {
          if (nowMs - (noted.get(tokenId) ?? -Infinity) < useNotedEveryMs) return
          if (noted.size >= capacity) noted.clear()
          noted.set(tokenId, nowMs)
          fork(Effect.ignore(noteUse(tokenId, fromEpochMillis(nowMs))))
        }),
    })
  }),
)
