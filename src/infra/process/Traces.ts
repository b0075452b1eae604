import { OtlpSerialization, OtlpTracer } from "@effect/opentelemetry"
import { HttpMiddleware } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer, Option, Redacted } from "effect"

export interface TraceOptions {
  /** The collector's address for OTLP over HTTP, such as http://localhost:4318; no traces without one. */
  readonly endpoint: Option.Option<Redacted.Redacted>
  readonly service: string
  readonly version: string
}

/** Sends traces to a collector every 5 s; without one, none are made, which spares each request their cost. */
export const layerTraces = ({ endpoint, service, version }: TraceOptions): Layer.Layer<never> =>
  Option.match(endpoint, {
    onNone: () => Layer.scopedDiscard(Effect.locallyScoped(HttpMiddleware.currentTracerDisabledWhen, () => true)),
    onSome: (address) =>
      OtlpTracer.layer({
        url: `${Redacted.value(address).replace(/\/+$/, "")}/v1/traces`,
        resource: { serviceName: service, serviceVersion: version },
      }).pipe(Layer.provide([OtlpSerialization.layerJson, NodeHttpClient.layer])),
  })
