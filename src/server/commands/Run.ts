import { Command } from "@effect/cli"
import { Config, Effect, Layer } from "effect"
import { CryptoSecrets } from "../../infra/crypto/index.ts"
import { layerLogs, layerTraces, version } from "../../infra/process/index.ts"
import * as Adapters from "../Adapters.ts"
import * as Environment from "../Environment.ts"
import * as Server from "../Program.ts"
import { service } from "../Service.ts"

export const serve = Effect.gen(function* () {
  const { access, database, endGrace, listen, logs, metrics, redisUrl, tariffsFile, traces } =
    yield* Config.all(Environment)
  const ports = Layer.mergeAll(
    Adapters.store(database),
    Adapters.caches(redisUrl),
    Adapters.tariffs(tariffsFile),
    CryptoSecrets.layer,
  )
  const observed = Layer.merge(layerLogs(logs), layerTraces({ endpoint: traces, service, version }))
  return yield* Server.layer({ ...listen, ...access, endGrace, metrics }).pipe(
    Layer.provide(ports),
    Layer.launch,
    Effect.provide(observed),
  )
})

export const run = Command.make("run", {}, () => serve).pipe(Command.withDescription("Start the server"))
