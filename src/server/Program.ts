import { HttpApiBuilder, HttpApiSwagger, HttpRouter, HttpServer } from "@effect/platform"
import { type Duration, Effect, Layer, Option } from "effect"
import {
  type AnswerCache,
  type RateLimits,
  RealtimeCache,
  type Registry,
  type Secrets,
  Store,
} from "../domain/ports/index.ts"
import { HttpServerNode, layerDrain, noProxies, type TrustedProxies } from "../infra/http-server/index.ts"
import type { StartupError } from "../infra/process/index.ts"
import * as Answers from "./Answers.ts"
import * as Authorization from "./Authorization.ts"
import * as Capacity from "./Capacity.ts"
import * as DeviceFigures from "./DeviceFigures.ts"
import * as Devices from "./Devices.ts"
import * as Guard from "./Guard.ts"
import { layerCors } from "./Headers.ts"
import * as Health from "./Health.ts"
import * as Ingest from "./Ingest.ts"
import { defaultLimits, type Limits } from "./Limits.ts"
import * as Lookups from "./Lookups.ts"
import { docsPath, DocumentedApi, openApiPath } from "./OpenApiDocument.ts"
import * as MetricsServer from "./MetricsServer.ts"
import * as Problems from "./Problems.ts"
import * as Realtime from "./Realtime.ts"
import * as RealtimeDocuments from "./RealtimeDocuments.ts"
import * as RealtimeFeeds from "./RealtimeFeeds.ts"
import * as RealtimeShortcut from "./RealtimeShortcut.ts"
import * as Remembered from "./Remembered.ts"
import { layerIds, observed } from "./Requests.ts"
import * as Samples from "./Samples.ts"
import * as Series from "./Series.ts"
import * as TokenUse from "./TokenUse.ts"

export interface Options extends HttpServerNode.Options {
  /** How long the server says that it ends, and still takes requests; not at all unless given. */
  readonly endGrace?: Duration.DurationInput
  /** How long requests under way may take when the server ends; 10 s unless given. */
  readonly drainFor?: Duration.DurationInput
  readonly limits?: Limits
  /** Proxies that say who asked them; none unless given. */
  readonly trustedProxies?: TrustedProxies
  /** Origins whose pages may read the API; none unless given. */
  readonly corsOrigins?: ReadonlyArray<string>
  /** Where `/metrics` listens, which is not for the outside; nowhere unless given. */
  readonly metrics?: Option.Option<HttpServerNode.Options>
}

const groups = Layer.mergeAll(
  Ingest.layer,
  Realtime.layer,
  Capacity.layer,
  Series.layer,
  Samples.layer,
  Devices.layer,
  Health.layer,
  RealtimeShortcut.layer,
).pipe(
  Layer.provide(RealtimeFeeds.layer),
  Layer.provide([Authorization.layer, RealtimeDocuments.layerDocuments, Answers.layer]),
  Layer.provide([Lookups.layer, TokenUse.layer, DeviceFigures.layer, Remembered.layer]),
)

const api = HttpApiBuilder.api(DocumentedApi).pipe(Layer.provide(groups))

/** A parameter of any length is for its schema to refuse. */
const router = { ignoreTrailingSlash: false, ignoreDuplicateSlashes: false, maxParamLength: 16_384 }

const routes = (corsOrigins: ReadonlyArray<string>) =>
  Layer.unwrapEffect(Effect.map(observed, (middleware) => HttpApiBuilder.serve(middleware))).pipe(
    Layer.provide([HttpApiBuilder.middlewareOpenApi({ path: openApiPath }), HttpApiSwagger.layer({ path: docsPath })]),
    Layer.provide(Layer.provide(Problems.layer, layerCors(corsOrigins))),
    Layer.provide(HttpRouter.setRouterConfig(router)),
    Layer.provide(api),
    Layer.provide(layerIds),
  )

const drained = ({ drainFor = "10 seconds", endGrace }: Options) => layerDrain({ grace: endGrace, deadline: drainFor })

/** Says where the server is and what it stands on. */
const greeting = Effect.gen(function* () {
  const store = yield* Store
  const cache = yield* RealtimeCache
  const url = yield* HttpServer.addressFormattedWith((address) => Effect.succeed(address))
  yield* Effect.logInfo("The API is ready").pipe(
    Effect.annotateLogs({ url, docs: `${url}${docsPath}`, store: store.description, cache: cache.description }),
  )
})

/**
 * The server above its ports, which it leaves to whoever runs it: they end after it has drained. Gives the address it
 * listens on.
 */
export const layer = (
  options: Options,
): Layer.Layer<
  HttpServer.HttpServer,
  StartupError,
  Store | Registry | Secrets | RealtimeCache | AnswerCache | RateLimits
> =>
  Layer.mergeAll(Layer.effectDiscard(greeting), drained(options)).pipe(
    Layer.provide([routes(options.corsOrigins ?? []), MetricsServer.layer(options.metrics ?? Option.none())]),
    Layer.provide(
      Guard.layer({
        limits: options.limits ?? defaultLimits,
        trustedProxies: options.trustedProxies ?? noProxies,
      }),
    ),
    Layer.provideMerge(HttpServerNode.layer(options)),
  )
