import { HttpClientRequest } from "@effect/platform"
import { Effect, Layer, Option, type Redacted, Schema } from "effect"
import { Measurement } from "../../domain/index.ts"
import { type EdgeState, Meter, type MeterDiscovery, type SpoolError } from "../../domain/ports/index.ts"
import { type DialOptions, makeDialer, timeoutOf } from "./Dialer.ts"
import { decodeReply, decodeTelegram, makeExchange, refused, type Reply } from "./Exchange.ts"
import { formatAddress } from "./Locator.ts"
import { makePush, type PushLimits } from "./Push.ts"

export interface MeterOptions extends DialOptions {
  readonly token: Redacted.Redacted
  readonly pushLimits?: Partial<PushLimits>
}

const Device = Schema.Struct({
  serial: Schema.String,
  productType: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("product_type")),
  firmwareVersion: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("firmware_version")),
  apiVersion: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("api_version")),
})

/** A request of Local API v2 by the owner of a token. */
export const authorized =
  (address: string, token: Redacted.Redacted) => (request: HttpClientRequest.HttpClientRequest) =>
    request.pipe(
      HttpClientRequest.prependUrl(`https://${address}`),
      HttpClientRequest.bearerToken(token),
      HttpClientRequest.setHeader("X-Api-Version", "2"),
    )

const make = (options: MeterOptions) =>
  Effect.gen(function* () {
    const { token } = options
    const address = formatAddress(options)
    const { dial } = yield* makeDialer(options)
    const exchange = yield* makeExchange({ address, timeout: timeoutOf(options), dial })
    const get = (path: string) =>
      Effect.filterOrFail(
        exchange(authorized(address, token)(HttpClientRequest.get(path))),
        ({ status }: Reply) => status !== 401,
        () => refused(address),
      )
    return Meter.of({
      device: Effect.flatMap(get("/api"), (reply) => decodeReply(address, Device, reply)),
      measurement: Effect.flatMap(get("/api/measurement"), (reply) => decodeReply(address, Measurement, reply)),
      telegram: Effect.flatMap(get("/api/telegram"), (reply) => decodeTelegram(address, reply)),
      pushed: Option.some(makePush({ address, token, dial, limits: options.pushLimits })),
    })
  })

/** A HomeWizard P1 meter, Local API v2, over connections to a peer that has proved to be the meter. */
export const layer = (options: MeterOptions): Layer.Layer<Meter, SpoolError, EdgeState | MeterDiscovery> =>
  Layer.scoped(Meter, make(options))
