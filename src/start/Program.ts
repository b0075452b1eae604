import { join } from "node:path"
import { HttpApiClient, HttpClient, HttpClientRequest, HttpServer } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { Clock, Context, type DateTime, Effect, Layer, Option, Redacted, Ref, Schedule, type Scope } from "effect"
import type { Realtime } from "../domain/index.ts"
import { P1Api } from "../domain/api/index.ts"
import { RealtimeCache, Store } from "../domain/ports/index.ts"
import {
  ChosenMeter,
  Edge,
  EdgeStatus,
  layerMeterToken,
  type MeterAddress,
  type Source,
  untilBroken,
} from "../edge/index.ts"
import { CryptoSecrets } from "../infra/crypto/index.ts"
import { HomeWizardDiscovery, HomeWizardMeter } from "../infra/homewizard/index.ts"
import { InternetClient } from "../infra/http-client/index.ts"
import { MemoryCaches, MemoryEdgeState } from "../infra/memory/index.ts"
import { PostgresMaintenance, PostgresStore } from "../infra/postgres/index.ts"
import { StartupError } from "../infra/process/index.ts"
import { RedisCaches } from "../infra/redis/index.ts"
import { SqliteSpool } from "../infra/sqlite/index.ts"
import { Database, Server } from "../server/index.ts"
import { MeterEndpoint, layer as layerSimulator } from "../simulator/index.ts"
import * as Credentials from "./Credentials.ts"
import { Screen } from "./Screen.ts"
import { statusLine } from "./StatusLine.ts"

export interface Options {
  readonly dataDir: string
  readonly host: string
  readonly port: number
  readonly databaseUrl: Option.Option<Redacted.Redacted>
  readonly redisUrl: Option.Option<Redacted.Redacted>
  /** The meter at home; without one a simulated meter is started. */
  readonly meter: Option.Option<MeterAddress>
  readonly meterToken: Option.Option<Redacted.Redacted>
  readonly ca: Option.Option<string>
  readonly source: Source
  readonly zone: DateTime.TimeZone
}

/** Where there is no terminal to redraw, a status line now and then is enough. */
const statusEvery = { live: "1 second", log: "10 seconds" } as const

const build = <A, E extends { readonly message: string }, R>(
  layer: Layer.Layer<A, E, R>,
): Effect.Effect<Context.Context<A>, StartupError, R | Scope.Scope> =>
  Effect.mapError(Layer.build(layer), ({ message }) => new StartupError({ message }))

const startServer = (options: Options) =>
  Effect.gen(function* () {
    const url = yield* Option.match(options.databaseUrl, {
      onNone: () => Effect.provide(Database.run(options.dataDir), NodeContext.layer),
      onSome: Effect.succeed,
    })
    const cache = Option.match(options.redisUrl, {
      onNone: () => MemoryCaches.layer,
      onSome: (redisUrl) => RedisCaches.layer({ url: redisUrl }),
    })
    const store = Layer.provideMerge(PostgresMaintenance.layer({ url }), PostgresStore.layer({ url }))
    const ports = yield* build(Layer.mergeAll(store, cache, CryptoSecrets.layer))
    const server = yield* build(
      Server.layer({ host: options.host, port: options.port, portVariable: "PORT", drainFor: "2 seconds" }),
    ).pipe(Effect.provide(ports))
    const baseUrl = yield* HttpServer.addressFormattedWith(Effect.succeed).pipe(Effect.provide(server))
    return { baseUrl, ports }
  })

const startMeter = (options: Options) =>
  Option.match(options.meter, {
    onSome: (meter) =>
      Effect.succeed({
        meter: ChosenMeter.layer({ ...meter, ca: options.ca }).pipe(
          Layer.provide(
            layerMeterToken({ given: options.meterToken, file: join(options.dataDir, "meter-token") }).pipe(
              Layer.provide(NodeContext.layer),
            ),
          ),
        ),
        name: `the meter at ${meter.host}`,
      }),
    onNone: () =>
      Effect.gen(function* () {
        const simulated = yield* build(layerSimulator({ port: 0, folder: Option.some(join(options.dataDir, "meter")) }))
        const { caPem, host, port, serial, token } = Context.get(simulated, MeterEndpoint)
        const meter = HomeWizardMeter.layer({ host, port, token, ca: Option.some(caPem), serial: Option.some(serial) })
        return {
          meter: Layer.provide(meter, MemoryEdgeState.layer),
          name: `a simulated meter (serial ${serial})`,
        }
      }),
  })

const readRealtime = (baseUrl: string, token: Redacted.Redacted) =>
  Effect.map(
    HttpApiClient.make(P1Api, {
      baseUrl,
      transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(token)),
    }),
    (client) =>
      client.realtime.latest({ urlParams: {} }).pipe(
        Effect.timeout("2 seconds"),
        Effect.orElseSucceed((): Realtime | null => null),
      ),
  )

/** Meter, edge and server in one process, with what they say on one screen; runs until it is interrupted. */
export const program = (options: Options) =>
  Effect.gen(function* () {
    const screen = yield* Screen
    const beganMs = yield* Clock.currentTimeMillis
    const step = (text: string) =>
      Effect.flatMap(Clock.currentTimeMillis, (nowMs) =>
        screen.line(`  ${((nowMs - beganMs) / 1000).toFixed(1).padStart(4)} s  ${text}`),
      )
    yield* Effect.addFinalizer(() =>
      screen.line(`Stopped. Everything is kept in ${options.dataDir}; the next start goes on from here.`),
    )

    yield* screen.line("p1-energy: from the meter to your own server")
    yield* screen.status("starting the database …")
    const { baseUrl, ports } = yield* startServer(options)
    const store = Context.get(ports, Store)
    const cache = Context.get(ports, RealtimeCache)
    yield* step(`server   ${store.description}; cache ${cache.description}`)

    const { deviceToken, readToken } = yield* Credentials.loadOrMake(options.dataDir).pipe(
      Effect.provide(ports),
      Effect.provide(NodeContext.layer),
      Effect.mapError(({ message }) => new StartupError({ message })),
    )
    yield* screen.status("starting the meter …")
    const { meter, name } = yield* startMeter(options)
    yield* step(`meter    ${name}`)

    const edge = yield* build(
      Edge.layer({
        poll: { zone: options.zone, source: options.source, interval: "1 second" },
        upload: { server: { url: baseUrl, token: Effect.succeed(deviceToken) }, interval: "1 second" },
      }).pipe(
        Layer.provide(meter),
        Layer.provide([HomeWizardDiscovery.layer, InternetClient.layer]),
        Layer.provideMerge(SqliteSpool.layer({ filename: join(options.dataDir, "spool.sqlite") })),
      ),
    )
    yield* step(`edge     samples are spooled in ${join(options.dataDir, "spool.sqlite")}`)

    for (const line of [
      "",
      `  API         ${baseUrl}/v1/realtime`,
      `  Docs        ${baseUrl}/docs`,
      `  Read token  ${Redacted.value(readToken)}`,
      "",
      `  curl -H "Authorization: Bearer ${Redacted.value(readToken)}" ${baseUrl}/v1/realtime`,
      "",
      "  Ctrl-C ends everything; nothing is lost.",
      "",
    ]) {
      yield* screen.line(line)
    }

    const realtime = yield* readRealtime(baseUrl, readToken)
    const status = Context.get(edge, EdgeStatus)
    yield* Effect.zipWith(realtime, Ref.get(status), statusLine).pipe(
      Effect.flatMap(screen.status),
      Effect.repeat(Schedule.spaced(screen.live ? statusEvery.live : statusEvery.log)),
      untilBroken,
      Effect.provide(edge),
      Effect.catchTag("SpoolBroken", ({ message }) => new StartupError({ message })),
    )
  }).pipe(Effect.scoped, Effect.provide(InternetClient.layer))
