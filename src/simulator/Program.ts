import { NodeContext } from "@effect/platform-node"
import { Console, type DateTime, Effect, Layer, Option, Redacted } from "effect"
import { defaultZone, type ZoneName } from "../domain/index.ts"
import * as Controls from "./Controls.ts"
import * as HttpsApi from "./HttpsApi.ts"
import * as Identity from "./Identity.ts"
import * as SimulatedMeter from "./SimulatedMeter.ts"
import * as System from "./System.ts"
import * as Users from "./Users.ts"

export interface MeterOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly serial: string
  /** Generated where there is none. */
  readonly token: Option.Option<Redacted.Redacted>
  readonly seed: number
  readonly zone: ZoneName
  /** The meter's time when it starts; the clock's own where there is none. */
  readonly startAt: Option.Option<DateTime.Utc>
  /** Seconds of the meter in a second of the clock: an accelerated run starts in the past. */
  readonly speed: number
  /** Where certificates, token and registers are kept from run to run; nowhere if there is none. */
  readonly folder: Option.Option<string>
}

export const defaults: MeterOptions = {
  host: "127.0.0.1",
  port: 8443,
  serial: "5c2faf000001",
  token: Option.none(),
  seed: 1,
  zone: defaultZone,
  startAt: Option.none(),
  speed: 1,
  folder: Option.none(),
}

/** A simulated meter that answers over HTTPS. */
export const layer = (options: Partial<MeterOptions> = {}) => {
  const settings = { ...defaults, ...options }
  return HttpsApi.layer(settings).pipe(
    Layer.provide([Users.layer(settings), System.layer({ v1Enabled: false })]),
    Layer.provideMerge(SimulatedMeter.layer(settings)),
    Layer.provideMerge(Controls.layer),
    Layer.provide(Identity.layer(settings)),
    Layer.provide(NodeContext.layer),
  )
}

/** Says where the meter is and what a client needs. */
const announce = (folder: Option.Option<string>) =>
  Effect.gen(function* () {
    const { host, port, serial, token } = yield* HttpsApi.MeterEndpoint
    yield* Console.log(
      [
        "A simulated P1 meter is running.",
        `  address  https://${host}:${port}/api/measurement`,
        `  serial   ${serial}`,
        `  token    ${Redacted.value(token)}`,
        ...Option.match(folder, { onNone: () => [], onSome: (path) => [`  CA file  ${path}/ca.pem`] }),
      ].join("\n"),
    )
  })

/** Runs a meter until it is interrupted. */
export const program = (options: MeterOptions) =>
  Layer.launch(Layer.effectDiscard(announce(options.folder)).pipe(Layer.provide(layer(options))))
