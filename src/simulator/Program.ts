import { NodeContext } from "@effect/platform-node"
import { Console, type DateTime, Effect, Layer, Option, Redacted } from "effect"
import { defaultZone, type ZoneName } from "../domain/index.ts"
import * as Announcement from "./Announcement.ts"
import * as ControlApi from "./ControlApi.ts"
import * as Controls from "./Controls.ts"
import * as HttpsApi from "./HttpsApi.ts"
import * as Identity from "./Identity.ts"
import type { PlayedQuarter } from "./Replay.ts"
import * as SimulatedMeter from "./SimulatedMeter.ts"
import * as System from "./System.ts"
import * as Users from "./Users.ts"
import * as V1Api from "./V1Api.ts"

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
  /** What it plays instead of a household of its own. */
  readonly play: Option.Option<ReadonlyArray<PlayedQuarter>>
  /** Where it answers API v1, enabled; it does not without. 0 takes any free port. */
  readonly v1Port: Option.Option<number>
  /** Where its button and switches are, on this machine only. 0 takes any free port. */
  readonly controlPort: Option.Option<number>
  /** Whether it says by mDNS where it is. */
  readonly announce: boolean
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
  play: Option.none(),
  v1Port: Option.none(),
  controlPort: Option.none(),
  announce: false,
  folder: Option.none(),
}

/** A simulated meter that answers over HTTPS and WebSocket, and over API v1 where it is given a port. */
export const layer = (options: Partial<MeterOptions> = {}) => {
  const settings = { ...defaults, ...options }
  return (settings.announce ? Announcement.layer : Layer.empty).pipe(
    Layer.provideMerge(Layer.mergeAll(HttpsApi.layer(settings), V1Api.layer(settings), ControlApi.layer(settings))),
    Layer.provide([Users.layer(settings), System.layer({ v1Enabled: Option.isSome(settings.v1Port) })]),
    Layer.provideMerge(SimulatedMeter.layer(settings)),
    Layer.provideMerge(Controls.layer),
    Layer.provide(Identity.layer(settings)),
    Layer.provide(NodeContext.layer),
  )
}

const lineWith = <A>(value: Option.Option<A>, line: (value: A) => string): ReadonlyArray<string> =>
  Option.match(value, { onNone: () => [], onSome: (present) => [line(present)] })

/** Says where the meter is and what a client needs. */
const announce = (folder: Option.Option<string>) =>
  Effect.gen(function* () {
    const { host, port, serial, token } = yield* HttpsApi.MeterEndpoint
    const control = yield* ControlApi.ControlEndpoint
    const v1 = yield* V1Api.V1Endpoint
    yield* Console.log(
      [
        "A simulated P1 meter is running.",
        `  address  https://${host}:${port}/api/measurement`,
        `  serial   ${serial}`,
        `  token    ${Redacted.value(token)}`,
        ...lineWith(folder, (path) => `  CA file  ${path}/ca.pem`),
        ...lineWith(v1.port, (v1Port) => `  API v1   http://${host}:${v1Port}/api/v1/data`),
        ...lineWith(control.port, (at) => `  button   curl -X POST http://127.0.0.1:${at}/button`),
        ...lineWith(
          control.port,
          (at) => `  switches curl http://127.0.0.1:${at}/  (change some with -X PATCH -d JSON)`,
        ),
      ].join("\n"),
    )
  })

/** Runs a meter until it is interrupted. */
export const program = (options: MeterOptions) =>
  Layer.launch(Layer.effectDiscard(announce(options.folder)).pipe(Layer.provide(layer(options))))
