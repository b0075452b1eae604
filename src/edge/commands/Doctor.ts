import { Command } from "@effect/cli"
import { Effect, Layer } from "effect"
import { InternetClient } from "../../infra/http-client/index.ts"
import { doctor as doctorOf, layerQuietLogs, provideCheck } from "../../infra/process/index.ts"
import * as Adapters from "../Adapters.ts"
import { meterCheck, meterOfRunning, serverCheck, spoolCheck, tokenCheck, unlessRunning } from "../Doctor.ts"
import * as Environment from "../Environment.ts"
import { readReport } from "../StatusReport.ts"

const report = Effect.flatMap(Environment.statusPath, readReport)

const checks = Effect.map(Environment.serverUrl, (url) => {
  const token = Environment.currentDeviceToken
  return [
    unlessRunning(provideCheck(spoolCheck, Adapters.spool), report),
    tokenCheck(token),
    provideCheck(serverCheck({ url, token }), InternetClient.layer),
    meterOfRunning(provideCheck(meterCheck, Layer.provide(Adapters.meter, Adapters.spool)), report),
  ]
})

export const doctor = doctorOf(
  "Check the spool, the server, the token, the clock and the meter, storing nothing",
  checks,
).pipe(Command.provide(layerQuietLogs))
