import { Command } from "@effect/cli"
import { Config, Effect, Layer, Option } from "effect"
import { InternetClient } from "../../infra/http-client/index.ts"
import { doctor as doctorOf, layerQuietLogs, provideCheck } from "../../infra/process/index.ts"
import * as Adapters from "../Adapters.ts"
import {
  cacheCheck,
  databaseCheck,
  devicesCheck,
  diskCheck,
  publicNameCheck,
  tokensCheck,
  upkeepCheck,
} from "../Checks.ts"
import * as Environment from "../Environment.ts"

const checks = Effect.gen(function* () {
  const { database, publicUrl, redisUrl } = yield* Config.all({
    database: Environment.database,
    publicUrl: Environment.publicUrl,
    redisUrl: Environment.redisUrl,
  })
  const ports = yield* Layer.memoize(Adapters.reachedToRepair)
  return [
    provideCheck(databaseCheck, ports),
    provideCheck(upkeepCheck, ports),
    ...Option.match(database.url, { onNone: () => [diskCheck(database.dataDir)], onSome: () => [] }),
    provideCheck(cacheCheck, Adapters.caches(redisUrl)),
    provideCheck(tokensCheck, ports),
    provideCheck(devicesCheck, ports),
    ...Option.match(publicUrl, {
      onNone: () => [],
      onSome: (url) => [provideCheck(publicNameCheck(url), InternetClient.layer)],
    }),
  ]
})

export const doctor = doctorOf(
  "Check the database, the cache, the tokens, the devices and the public name",
  checks,
).pipe(Command.provide(layerQuietLogs))
