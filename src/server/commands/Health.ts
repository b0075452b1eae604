import { Command } from "@effect/cli"
import { FetchHttpClient, HttpApiClient } from "@effect/platform"
import { type Config, Console, Effect } from "effect"
import { P1Api } from "../../domain/api/index.ts"
import { StartupError } from "../../infra/process/index.ts"

const patience = "4 seconds"

/** For the health checks of containers: whether the server that this machine runs is ready. */
export const health = (port: Config.Config<number>) =>
  Command.make("health", {}, () =>
    Effect.gen(function* () {
      const baseUrl = `http://127.0.0.1:${yield* port}`
      const { health } = yield* HttpApiClient.make(P1Api, { baseUrl })
      const { cache, store } = yield* health.ready().pipe(
        Effect.timeout(patience),
        Effect.mapError(({ message }) => new StartupError({ message: `${baseUrl} is not ready: ${message}` })),
      )
      yield* Console.log(`Ready: ${store}; cache ${cache}`)
    }).pipe(Effect.provide(FetchHttpClient.layer)),
  ).pipe(Command.withDescription("Ask the server on this machine whether it is ready"))
