import { Effect, Layer, Option } from "effect"
import { type EdgeState, type Meter, MeterDiscovery, type SpoolError } from "../domain/ports/index.ts"
import { HomeWizardMeter, HomeWizardMeterV1 } from "../infra/homewizard/index.ts"
import { StartupError } from "../infra/process/index.ts"
import { MeterToken } from "./MeterToken.ts"
import type { MeterAddress } from "./Settings.ts"

export interface ChosenMeter extends MeterAddress {
  /** PEM of the CA that must have issued the meter's certificate. */
  readonly ca: Option.Option<string>
}

/** The meter at an address, by the API that was chosen: v1 has no tokens. */
export const layer = ({
  api,
  ...options
}: ChosenMeter): Layer.Layer<Meter, SpoolError | StartupError, MeterToken | EdgeState | MeterDiscovery> =>
  api === "v1"
    ? HomeWizardMeterV1.layer(options)
    : Layer.unwrapEffect(
        Effect.map(
          Effect.flatMap(MeterToken, ({ current }) => current),
          (token) => HomeWizardMeter.layer({ ...options, token, serial: Option.none() }),
        ),
      )

const searchFor = "4 seconds"

/** The address that was given, else that of the only meter on the network. */
export const addressOrOnlyOne = Effect.fn("addressOrOnlyOne")(function* (given: Option.Option<MeterAddress>) {
  if (Option.isSome(given)) return given.value
  const { find } = yield* MeterDiscovery
  const meters = (yield* find(searchFor)).filter(({ problem }) => Option.isNone(problem))
  const [only, ...others] = meters
  if (only === undefined) {
    return yield* new StartupError({
      message: `No P1 meter answers on this network: give its address with --host or HW_P1_HOST.`,
    })
  }
  if (others.length > 0) {
    return yield* new StartupError({
      message: `Several P1 meters answer: choose one with --host (${meters.map(({ host, serial }) => `${host} is ${serial}`).join(", ")}).`,
    })
  }
  return { host: only.host, port: only.port, api: "v2" as const }
})
