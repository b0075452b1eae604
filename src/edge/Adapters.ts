import { NodeContext } from "@effect/platform-node"
import { Config, Effect, Layer, Option } from "effect"
import { HomeWizardDiscovery, HomeWizardPairing, HomeWizardProbe } from "../infra/homewizard/index.ts"
import { layerQuietLogs, StartupError } from "../infra/process/index.ts"
import { SqliteSpool } from "../infra/sqlite/index.ts"
import * as ChosenMeter from "./ChosenMeter.ts"
import * as Environment from "./Environment.ts"
import * as MeterToken from "./MeterToken.ts"
import { parseMeterHost } from "./Settings.ts"

export const spool = Layer.unwrapEffect(Effect.map(Environment.spool, SqliteSpool.layer))
export const spoolQuietly = Layer.provideMerge(spool, layerQuietLogs)

const meterToken = Layer.unwrapEffect(Effect.map(Environment.meterToken, MeterToken.layer)).pipe(
  Layer.provide(NodeContext.layer),
)

export const meter = Layer.unwrapEffect(
  Effect.gen(function* () {
    return ChosenMeter.layer({ ...(yield* Environment.meterAddress), ca: yield* Environment.ca })
  }),
).pipe(Layer.provide([meterToken, HomeWizardDiscovery.layer]))

/** What pairing works with. `anew`: the meter that was paired before does not count. */
export const pairing = (anew: boolean) => (options: { readonly host: Option.Option<string> }) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const given = yield* Option.match(options.host, {
        onNone: () => Config.option(Environment.meterAddress),
        onSome: (host) =>
          Effect.mapBoth(parseMeterHost(host), {
            onFailure: (message) => new StartupError({ message: `--host: ${message}.` }),
            onSuccess: Option.some,
          }),
      })
      const address = yield* Effect.provide(ChosenMeter.addressOrOnlyOne(given), HomeWizardDiscovery.layer)
      return HomeWizardPairing.layer({ ...address, anew, ca: yield* Environment.ca, serial: Option.none() }).pipe(
        Layer.provideMerge(Layer.mergeAll(spoolQuietly, meterToken, HomeWizardDiscovery.layer)),
      )
    }),
  )

/** The meter to examine: the one that the edge has its token of. */
export const examined = Layer.unwrapEffect(
  Effect.gen(function* () {
    const { host, port } = yield* Environment.meterAddress
    const { current } = yield* MeterToken.MeterToken
    return HomeWizardProbe.layer({
      host,
      port,
      token: yield* current,
      ca: yield* Environment.ca,
      serial: Option.none(),
    })
  }),
).pipe(Layer.provide([meterToken, spoolQuietly, HomeWizardDiscovery.layer]))
