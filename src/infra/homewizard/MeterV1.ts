import { HttpClientRequest } from "@effect/platform"
import { Duration, Effect, Layer, Option, Schema } from "effect"
import { Meter, MeterError } from "../../domain/ports/index.ts"
import { decodeReply, decodeTelegram, makeExchange, type Reply } from "./Exchange.ts"
import { type Address, formatAddress } from "./Locator.ts"
import { MeasurementV1 } from "./MeasurementV1.ts"

export interface MeterV1Options extends Address {
  /** For one exchange, from connecting to the last byte; 5 seconds as a rule. */
  readonly timeout?: Duration.DurationInput
}

const Device = Schema.Struct({
  serial: Schema.String,
  productType: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("product_type")),
  firmwareVersion: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("firmware_version")),
  apiVersion: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("api_version")),
})

const switchedOff = (address: string): MeterError =>
  new MeterError({
    reason: "Unauthorized",
    message: `The meter at ${address} has its local API switched off: switch it on in the HomeWizard app, under the meter's settings.`,
  })

const make = (options: MeterV1Options) =>
  Effect.gen(function* () {
    const address = formatAddress(options)
    const exchange = yield* makeExchange({ address, timeout: Duration.decode(options.timeout ?? "5 seconds") })
    const get = (path: string) =>
      Effect.filterOrFail(
        exchange(HttpClientRequest.get(`http://${address}${path}`)),
        ({ status }: Reply) => status !== 403,
        () => switchedOff(address),
      )
    return Meter.of({
      device: Effect.flatMap(get("/api"), (reply) => decodeReply(address, Device, reply)),
      measurement: Effect.flatMap(get("/api/v1/data"), (reply) => decodeReply(address, MeasurementV1, reply)),
      telegram: Effect.flatMap(get("/api/v1/telegram"), (reply) => decodeTelegram(address, reply)),
      pushed: Option.none(),
    })
  })

/**
 * A HomeWizard P1 meter over Local API v1, for firmware before 6: plain HTTP without any token, switched on in the
 * vendor's app. It gives no reading time, so that samples are keyed by this machine's clock.
 */
export const layer = (options: MeterV1Options): Layer.Layer<Meter> => Layer.scoped(Meter, make(options))
