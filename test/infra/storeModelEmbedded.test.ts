import { join } from "node:path"
import { layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { freshDatabaseOn } from "../support/Database.ts"
import { times } from "../support/Property.ts"
import { startPostgres } from "../support/PostgresServer.ts"
import { arbitraryHistory } from "../support/StoreModel.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { isAsTheModelSays, layerProcesses } from "./storeHistories.ts"

/** The PostgreSQL that the program brings along, whichever is installed. */
const packaged = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const { url } = yield* startPostgres(join(folder, "postgres"), undefined)
  return layerProcesses(yield* freshDatabaseOn(url))
})

layer(Layer.unwrapScoped(packaged), { excludeTestServices: true, timeout: "60 seconds" })((it) => {
  it.effect.prop(
    "the packaged database, too, is as the model says",
    [arbitraryHistory],
    ([history]) => isAsTheModelSays(history),
    { timeout: 120_000, fastCheck: { numRuns: times(8) } },
  )
})
