import { Command } from "@effect/cli"
import { Effect, Option, Stream } from "effect"
import { InternetClient } from "../../infra/http-client/index.ts"
import { type Check, findingsOf, layerQuietLogs, provideCheck, report } from "../../infra/process/index.ts"
import * as Adapters from "../Adapters.ts"
import { edgeCheck, serverCheck, spoolCheck, tokenCheck, unlessHeld } from "../Doctor.ts"
import * as Environment from "../Environment.ts"
import { examination } from "../Examination.ts"
import { readReport } from "../StatusReport.ts"
import { host, json } from "./Options.ts"

const ownServer: Check<never> = {
  name: "server",
  run: Effect.flatMap(Environment.serverUrl, (url) =>
    Effect.provide(serverCheck({ url, token: Environment.currentDeviceToken }).run, InternetClient.layer),
  ),
}

export const doctor = Command.make("doctor", { host, json }, (options) =>
  Effect.gen(function* () {
    const running = yield* Effect.option(Effect.flatMap(Environment.statusPath, readReport))
    const checks = [
      unlessHeld(provideCheck(spoolCheck, Adapters.spool), running),
      tokenCheck(Environment.currentDeviceToken),
      ownServer,
      ...Option.toArray(Option.map(running, edgeCheck)),
    ]
    yield* report(Stream.concat(findingsOf(checks), examination({ host: options.host, running })), options)
  }),
).pipe(
  Command.withDescription(
    "Check the spool, the token, the server, the clock, and all that the meter should be able to; half a minute, storing nothing",
  ),
  Command.provide(layerQuietLogs),
)
