import { Effect, Redacted, type Scope } from "effect"
import { request } from "node:https"
import { connect, type TLSSocket } from "node:tls"
import { WebSocket } from "ws"
import { MeterEndpoint } from "../../src/simulator/index.ts"

export interface Reply {
  readonly status: number | undefined
  readonly version: string | string[] | undefined
  readonly type: string | undefined
  readonly body: string
}

export interface Asking {
  readonly method?: string
  readonly token?: string
  readonly json?: unknown
  readonly text?: string
  readonly headers?: Record<string, string>
}

/** One request over a connection of its own; fails with the code of the connection's error. */
export const ask = (path: string, { headers = {}, json, method = "GET", text, token }: Asking = {}) =>
  Effect.flatMap(MeterEndpoint, ({ caPem, host, port }) =>
    Effect.async<Reply, string>((resume) => {
      const sent = text ?? (json === undefined ? undefined : JSON.stringify(json))
      const asked = request(
        {
          host,
          port,
          path,
          method,
          ca: caPem,
          checkServerIdentity: () => undefined,
          agent: false,
          headers: {
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
            ...(sent !== undefined && { "content-length": String(Buffer.byteLength(sent)) }),
            ...headers,
          },
        },
        (response) => {
          let body = ""
          response
            .setEncoding("utf8")
            .on("data", (chunk: string) => (body += chunk))
            .on("end", () =>
              resume(
                Effect.succeed({
                  status: response.statusCode,
                  version: response.headers["x-api-version"],
                  type: response.headers["content-type"],
                  body,
                }),
              ),
            )
        },
      )
      asked.on("error", (error: NodeJS.ErrnoException) => resume(Effect.fail(error.code ?? error.message)))
      asked.end(sent)
      return Effect.sync(() => asked.destroy())
    }),
  )

export const ownToken = Effect.map(MeterEndpoint, ({ token }) => Redacted.value(token))

/** As the meter's first user. */
export const askAs = (path: string, asking: Asking = {}) =>
  Effect.flatMap(ownToken, (token) => ask(path, { token, ...asking }))

/** What the meter shows in a handshake. */
export const handshake = (ca: string) =>
  Effect.flatMap(MeterEndpoint, ({ host, port }) =>
    Effect.async<{ readonly authorized: boolean; readonly CN: unknown; readonly key: string }, string>((resume) => {
      const socket: TLSSocket = connect(
        { host, port, ca, rejectUnauthorized: false, checkServerIdentity: () => undefined },
        () => {
          const { pubkey, subject } = socket.getPeerCertificate()
          const key = pubkey?.toString("hex") ?? ""
          resume(Effect.succeed({ authorized: socket.authorized, CN: subject.CN, key }))
          socket.destroy()
        },
      )
      socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.fail(error.code ?? error.message)))
    }),
  )

export interface Talk {
  readonly say: (message: unknown) => Effect.Effect<void>
  /** The next message; `closed CODE` when there will be none. */
  readonly hear: Effect.Effect<unknown>
  readonly heard: ReadonlyArray<unknown>
  readonly ping: Effect.Effect<void>
}

/** A WebSocket to the meter. */
export const talk: Effect.Effect<Talk, never, MeterEndpoint | Scope.Scope> = Effect.gen(function* () {
  const { host, port } = yield* MeterEndpoint
  const waiting: Array<(message: unknown) => void> = []
  const messages: Array<unknown> = []
  const heard: Array<unknown> = []
  const take = (message: unknown) => {
    heard.push(message)
    const first = waiting.shift()
    if (first === undefined) messages.push(message)
    else first(message)
  }
  const parse = (text: string): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      return text
    }
  }
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() =>
      new WebSocket(`wss://${host}:${port}/api/ws`, { rejectUnauthorized: false })
        .on("message", (data) => take(parse(String(data))))
        .on("close", (code) => take(`closed ${code}`))
        .on("pong", () => take("pong"))
        .on("error", () => undefined),
    ),
    (socket) => Effect.sync(() => socket.terminate()),
  )
  return {
    say: (message) => Effect.sync(() => socket.send(typeof message === "string" ? message : JSON.stringify(message))),
    hear: Effect.async((resume) => {
      const message = messages.shift()
      if (message === undefined) waiting.push((next) => resume(Effect.succeed(next)))
      else resume(Effect.succeed(message))
    }),
    heard,
    ping: Effect.sync(() => socket.ping()),
  }
})

/** A WebSocket that the meter has let in. */
export const talkAuthorized = Effect.gen(function* () {
  const talking = yield* talk
  yield* talking.hear
  yield* talking.say({ type: "authorization", data: yield* ownToken })
  yield* talking.hear
  return talking
})
