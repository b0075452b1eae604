import { Command } from "@effect/cli"
import { Config, Effect, Layer } from "effect"
import { layerLogs } from "../../infra/process/index.ts"
import * as Adapters from "../Adapters.ts"
import * as Environment from "../Environment.ts"

export const maintain = Command.make("maintain", {}, () =>
  Effect.gen(function* () {
    const { database, logs } = yield* Config.all({ database: Environment.database, logs: Environment.logs })
    return yield* Adapters.store({ ...database, maintenance: true }).pipe(
      Layer.tap(() => Effect.logInfo("The database is kept in order")),
      Layer.launch,
      Effect.provide(layerLogs(logs)),
    )
  }),
).pipe(
  Command.withDescription("Keep the database in order, as its owner, beside servers that run with MAINTENANCE=off"),
)
