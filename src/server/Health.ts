import { HttpApiBuilder } from "@effect/platform"
import { Effect, Option } from "effect"
import { P1Api, Unavailable } from "../domain/api/index.ts"
import { RealtimeCache, Store } from "../domain/ports/index.ts"
import { NodeServer } from "../infra/http-server/index.ts"
import { version } from "../infra/process/index.ts"
import { orUnavailable } from "./Problems.ts"
import { service } from "./Service.ts"

const patience = "2 seconds"
const tooSlow = new Unavailable({ detail: "The store does not answer in time.", retryAfterS: 5 })

const ending = new Unavailable({ detail: "This server is about to end; ask another.", retryAfterS: 1 })
const isEnding = Effect.flatMap(NodeServer, (server) => server.isEnding)

const live = Effect.map(isEnding, (ends) => ({ status: ends ? ("ending" as const) : ("ok" as const) }))

/** A store that hangs is left behind, not waited for. */
const ready = Effect.gen(function* () {
  const store = yield* Store
  const cache = yield* RealtimeCache
  if (yield* isEnding) return yield* ending
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

/** `/health/live` says that the process answers, and whether it is about to end, and touches nothing else; `/health/ready` that it can work, on what,
 * and whether it does so without its cache. */
export const layer = HttpApiBuilder.group(P1Api, "health", (handlers) =>
  handlers.handle("live", () => live).handle("ready", () => ready),
)
