import { writeSync } from "node:fs"
import { Effect, Logger, LogLevel, Redacted } from "effect"
import { EmbeddedPostgres } from "../../src/infra/embedded-postgres/index.ts"

/** Runs PostgreSQL until it is killed and says where it is, or why it cannot. */
const program = Effect.gen(function* () {
  const [dataDir = "", sharedDir, binDir] = process.argv.slice(2).map((word) => (word === "" ? undefined : word))
  const { pid, url } = yield* EmbeddedPostgres.start({ dataDir, sharedDir, binDir })
  writeSync(1, `${pid} ${Redacted.value(url)}\n`)
  return yield* Effect.never
})

Effect.runFork(
  Effect.scoped(program).pipe(
    Logger.withMinimumLogLevel(LogLevel.Warning),
    Effect.catchAll((error) => Effect.sync(() => writeSync(1, error.message))),
  ),
)
