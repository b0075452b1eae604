import { NodeContext } from "@effect/platform-node"
import { Config, Effect, Layer, Option } from "effect"
import { HomeWizardDiscovery, HomeWizardPairing, HomeWizardProbe } from "../infra/homewizard/index.ts"
import { layerQuietLogs, StartupError } from "../infra/process/index.ts"
import { SqliteSpool } from "../infra/sqlite/index.ts"
import * as ChosenMeter from "./ChosenMeter.ts"
import * as Environment from "./Environment.ts"
import * as MeterToken from "./MeterToken.ts"
import { type MeterAddress, parseMeterHost } from "./Settings.ts"

export const spool = Layer.unwrapEffect(Effect.map(Environment.spool, SqliteSpool.layer))
export const spoolQuietly = Layer.provideMerge(spool, layerQuietLogs)

const meterToken = Layer.unwrapEffect(Effect.map(Environment.meterToken, MeterToken.layer)).pipe(
  Layer.provide(NodeContext.layer),
)

/** The meter at an address, by the API that was chosen. */
export const meterAt = (address: MeterAddress) =>
  Layer.unwrapEffect(Effect.map(Environment.ca, (ca) => ChosenMeter.layer({ ...address, ca }))).pipe(
    Layer.provide([meterToken, HomeWizardDiscovery.layer]),
  )
export const meter = Layer.unwrapEffect(Effect.map(Environment.meterAddress, meterAt))

const parseHost = (host: string) =>
  Effect.mapError(parseMeterHost(host), (message) => new StartupError({ message: `--host: ${message}.` }))

/** Where the meter is: where the user says, else as configured. */
export const addressOf = Option.match({ onNone: () => Environment.meterAddress, onSome: parseHost })

/** What pairing works with. `anew`: the meter that was paired before does not count. */
export const pairing = (anew: boolean) => (options: { readonly host: Option.Option<string> }) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const given = yield* Option.match(options.host, {
        onNone: () => Config.option(Environment.meterAddress),
        onSome: (host) => Effect.asSome(parseHost(host)),
      })
      const address = yield* Effect.provide(ChosenMeter.addressOrOnlyOne(given), HomeWizardDiscovery.layer)
      return HomeWizardPairing.layer({ ...address, anew, ca: yield* Environment.ca, serial: Option.none() }).pipe(
        Layer.provideMerge(Layer.mergeAll(spoolQuietly, meterToken, HomeWizardDiscovery.layer)),
      )
    }),
  )

/** The meter under examination: the one that the edge has its token of. */
export const probeOf = ({ host, port }: MeterAddress) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const { current } = yield* MeterToken.MeterToken
      const ca = yield* Environment.ca
      return HomeWizardProbe.layer({ host, port, token: yield* current, ca, serial: Option.none() })
    }),
  ).pipe(Layer.provide([meterToken, HomeWizardDiscovery.layer]))
