import { Command } from "@effect/cli"
import { Config, Duration, Effect, Layer } from "effect"
import { InternetClient } from "../../infra/http-client/index.ts"
import { layerLogs } from "../../infra/process/index.ts"
import * as Adapters from "../Adapters.ts"
import * as Environment from "../Environment.ts"
import * as Edge from "../Program.ts"
import * as StatusFile from "../StatusFile.ts"
import { untilBroken } from "../UntilBroken.ts"

const settings = Config.all({
  meter: Environment.meterAddress,
  meterToken: Environment.meterToken,
  source: Environment.source,
  serverUrl: Environment.serverUrl,
  deviceToken: Environment.deviceToken,
  pollInterval: Environment.pollInterval,
  zone: Environment.zone,
  statusPath: Environment.statusPath,
  logs: Environment.logs,
})

export const live = Effect.gen(function* () {
  const { logs, meter, pollInterval, serverUrl, source, statusPath, zone } = yield* settings
  const edge = Edge.layer({
    poll: { zone, source, interval: pollInterval },
    upload: { server: { url: serverUrl, token: Environment.currentDeviceToken }, interval: "1 second" },
  })
  const statusFile = StatusFile.layer({ path: statusPath, meter: meter.host, server: serverUrl, pid: process.pid })
  const started = Effect.logInfo("Edge started").pipe(
    Effect.annotateLogs({ meter: meter.host, server: serverUrl, source, every: Duration.format(pollInterval) }),
  )
  return yield* statusFile.pipe(
    Layer.tap(() => started),
    Layer.provide(edge),
    Layer.provide([Adapters.meter, InternetClient.layer]),
    Layer.launch,
    untilBroken,
    Effect.provide(Layer.provideMerge(Adapters.spool, layerLogs(logs))),
  )
})

export const run = Command.make("run", {}, () => live).pipe(
  Command.withDescription("Take samples from the meter into the spool and upload them"),
)
