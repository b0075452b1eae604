import { HttpApiBuilder } from "@effect/platform"
import { Effect, Option } from "effect"
import { P1Api, Unavailable } from "../domain/api/index.ts"
import { RealtimeCache, Store } from "../domain/ports/index.ts"
import { version } from "../infra/process/index.ts"
import { orUnavailable } from "./Problems.ts"
import { service } from "./Service.ts"

const patience = "2 seconds"
const tooSlow = new Unavailable({ detail: "The store does not answer in time.", retryAfterS: 5 })

/** A store that hangs is left behind, not waited for. */
const ready = Effect.gen(function* () {
  const store = yield* Store
  const cache = yield* RealtimeCache
  yield* orUnavailable(store.check).pipe(
    Effect.disconnect,
    Effect.timeoutFail({ duration: patience, onTimeout: () => tooSlow }),
  )
  const away = yield* Effect.option(Effect.flip(cache.check))
  return {
    service,
    version,
    status: Option.isSome(away) ? ("degraded" as const) : ("ok" as const),
    store: store.description,
    cache: Option.match(away, {
      onNone: () => cache.description,
      onSome: (reason) => `${cache.description}; does not answer: ${reason}`,
    }),
  }
})

/** `/health/live` says that the process answers and touches nothing else; `/health/ready` that it can work, on what,
 * and whether it does so without its cache. */
export const layer = HttpApiBuilder.group(P1Api, "health", (handlers) =>
  handlers.handle("live", () => Effect.succeed({ status: "ok" as const })).handle("ready", () => ready),
)
