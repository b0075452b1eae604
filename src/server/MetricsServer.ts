import { HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
import { Effect, Layer, Metric, Option } from "effect"
import { RealtimeCache, Store } from "../domain/ports/index.ts"
import { HttpServerNode, layerDrain } from "../infra/http-server/index.ts"
import { processFamilies, Prometheus } from "../infra/prometheus/index.ts"
import * as DeviceFigures from "./DeviceFigures.ts"
import { version } from "../infra/process/index.ts"

const gauge = (name: string, help: string, value: number, labels: Prometheus.Labels = {}): Prometheus.Family => ({
  name,
  type: "gauge",
  help,
  points: [{ labels, value }],
})

const serviceFamilies = Effect.gen(function* () {
  const { description } = yield* Store
  const cache = yield* RealtimeCache
  const away = yield* Effect.isFailure(cache.check)
  return [
    gauge("p1_build_info", "What runs: always 1", 1, { version, node: process.version, store: description }),
    gauge("p1_cache_up", "Whether the cache answers", away ? 0 : 1),
  ]
})

const routes = Effect.gen(function* () {
  const device = yield* DeviceFigures.DeviceFigures
  const ofProcess = yield* processFamilies
  const text = Effect.map(
    Effect.all([Metric.snapshot, device.families, ofProcess, serviceFamilies]),
    ([snapshot, ...families]) => Prometheus.render([...Prometheus.familiesOf(snapshot, "p1_"), ...families.flat()]),
  )
  return HttpRouter.empty.pipe(
    HttpRouter.get(
      "/metrics",
      Effect.map(text, (body) => HttpServerResponse.text(body, { contentType: Prometheus.contentType })),
    ),
  )
})

/** `GET /metrics` on a port of its own, which is not for the outside; nothing where there is none. */
export const layer = (listen: Option.Option<HttpServerNode.Options>) =>
  Option.match(listen, {
    onNone: () => Layer.empty,
    onSome: (options) =>
      layerDrain({ deadline: "1 second" }).pipe(
        Layer.provide(Layer.unwrapScoped(Effect.map(routes, (router) => HttpServer.serve(router)))),
        Layer.provide(DeviceFigures.layer),
        Layer.provide(HttpServerNode.layer(options)),
      ),
  })
