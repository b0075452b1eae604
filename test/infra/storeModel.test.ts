import { layer } from "@effect/vitest"
import { Config, Effect, Layer } from "effect"
import { freshDatabase } from "../support/Database.ts"
import { arbitraryHistory } from "../support/StoreModel.ts"
import { isAsTheModelSays, layerProcesses } from "./storeHistories.ts"

const settings = Effect.runSync(
  Config.all({
    numRuns: Config.withDefault(Config.integer("P1_MODEL_RUNS"), 25),
    seed: Config.withDefault(Config.integer("P1_MODEL_SEED"), 20_260_329),
  }),
)
const timeout = 60_000 + settings.numRuns * 3_000

layer(Layer.unwrapScoped(Effect.map(freshDatabase, layerProcesses)), {
  excludeTestServices: true,
  timeout: "60 seconds",
})((it) => {
  it.effect.prop(
    `whatever the batches, the database and its answers are as the model says (${settings.numRuns} histories)`,
    [arbitraryHistory],
    ([history]) => isAsTheModelSays(history),
    { timeout, fastCheck: settings },
  )
})
