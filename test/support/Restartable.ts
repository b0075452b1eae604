import { join } from "node:path"
import { Effect, Exit, type Redacted, Ref, Scope } from "effect"
import { inject } from "vitest"
import { freePort } from "./FreePort.ts"
import { startPostgres } from "./PostgresServer.ts"
import "./Provided.ts"
import { temporaryFolder } from "./TemporaryFolder.ts"

export interface RestartablePostgres {
  readonly url: Redacted.Redacted
  readonly stop: Effect.Effect<void>
  readonly start: Effect.Effect<void>
}

/** A PostgreSQL of the test's own, always on the same port, that can be away for a while. */
export const restartablePostgres = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const port = yield* Effect.promise(freePort)
  const running = yield* Ref.make<Scope.CloseableScope | undefined>(undefined)
  const launch = Effect.gen(function* () {
    const scope = yield* Scope.make()
    yield* Ref.set(running, scope)
    return yield* Scope.extend(startPostgres(join(folder, "postgres"), inject("postgresBinDir"), port), scope)
  }).pipe(Effect.orDie)
  const stop = Effect.flatMap(Ref.getAndSet(running, undefined), (scope) =>
    scope === undefined ? Effect.void : Scope.close(scope, Exit.void),
  )
  yield* Effect.addFinalizer(() => stop)
  const { url } = yield* launch
  return { url, stop, start: Effect.asVoid(launch) } satisfies RestartablePostgres
})
