import { HttpServer } from "@effect/platform"
import { Context, Effect, Layer, Logger, LogLevel, Redacted } from "effect"
import {
  type AnswerCache,
  type RateLimits,
  type Registry,
  type RealtimeCache,
  type Secrets,
  type Store,
} from "../../../src/domain/ports/index.ts"
import { CryptoSecrets } from "../../../src/infra/crypto/index.ts"
import { MemoryCaches, MemoryRegistry, MemoryStore } from "../../../src/infra/memory/index.ts"
import { Admin, Server } from "../../../src/server/index.ts"
import { defaultLimits, type Limits } from "../../../src/server/Limits.ts"
import { expectContract } from "./Contract.ts"

/** A server on a free port with two devices, and the tokens to speak to it. */
export interface TestServer {
  readonly url: string
  readonly home: string
  readonly barn: string
  readonly homeReader: string
  readonly bothReader: string
}

export class Running extends Context.Tag("test/Running")<Running, TestServer>() {}

const address = HttpServer.addressWith((at) =>
  Effect.succeed(at._tag === "TcpAddress" ? `http://127.0.0.1:${at.port}` : at.path),
)

const running = Layer.effect(
  Running,
  Effect.gen(function* () {
    const home = yield* Admin.addDevice("Home", "Europe/Brussels")
    const barn = yield* Admin.addDevice("Barn", "Europe/Brussels")
    const homeReader = yield* Admin.addReadToken([home.deviceId])
    const bothReader = yield* Admin.addReadToken([home.deviceId, barn.deviceId])
    return {
      url: yield* address,
      home: Redacted.value(home.token),
      barn: Redacted.value(barn.token),
      homeReader: Redacted.value(homeReader),
      bothReader: Redacted.value(bothReader),
    }
  }),
)

export type Ports = Store | Registry | Secrets | RealtimeCache | AnswerCache | RateLimits

export const memoryPorts: Layer.Layer<Ports> = Layer.mergeAll(
  Layer.provideMerge(MemoryStore.layer, MemoryRegistry.layer),
  CryptoSecrets.layer,
  MemoryCaches.layer,
)

/** Limits that no test comes near unless it is about them. */
const generous: Limits = {
  requestsPerToken: { ...defaultLimits.requestsPerToken, points: 1_000_000 },
  refusalsPerAddress: { ...defaultLimits.refusalsPerAddress, points: 1_000_000 },
}

interface Options extends Partial<Server.Options> {
  readonly rateLimits?: Layer.Layer<RateLimits>
}

/** The real server over the given ports, quiet. */
export const layerServer = (ports: Layer.Layer<Ports>, { rateLimits, ...options }: Options = {}) =>
  running.pipe(
    Layer.provide(
      Server.layer({
        host: "127.0.0.1",
        port: 0,
        portVariable: "PORT",
        drainFor: "3 seconds",
        limits: generous,
        ...options,
      }),
    ),
    Layer.provide(rateLimits ?? Layer.empty),
    Layer.provideMerge(ports),
    Layer.provide(Logger.minimumLogLevel(LogLevel.None)),
  )

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
}

export interface Call {
  readonly method?: string
  readonly token?: string
  readonly headers?: Record<string, string>
  readonly body?: RequestInit["body"]
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** One request; the token goes as a bearer. Every reply is held to the contract. */
export const call = (path: string, { body, headers, method = "GET", token }: Call = {}) =>
  Effect.flatMap(Running, ({ url }) =>
    Effect.promise(async (signal): Promise<Reply> => {
      const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const init = { method, signal, headers: { ...authorization, ...headers }, duplex: "half" as const }
      const response = await fetch(url + path, body === undefined ? init : { ...init, body })
      const text = await response.text()
      expectContract(method, path, { status: response.status, contentType: response.headers.get("content-type"), text })
      return { status: response.status, headers: response.headers, text, json: parsed(text) }
    }),
  )

/** `POST /v1/ingest` of a JSON body. */
export const send = (token: string, body: unknown, headers: Record<string, string> = {}) =>
  call("/v1/ingest", {
    method: "POST",
    token,
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
  })
