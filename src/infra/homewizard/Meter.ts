import { HttpClient, type HttpClientError, HttpClientRequest } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { Duration, Effect, Layer, type Option, ParseResult, type Redacted, Schema } from "effect"
import { Agent } from "undici"
import { Measurement } from "../../domain/index.ts"
import { Meter, MeterError } from "../../domain/ports/index.ts"
import { makeConnector } from "./Connector.ts"

export interface MeterOptions {
  readonly host: string
  readonly port: number
  readonly token: Redacted.Redacted
  /** PEM of the CA that must have issued the meter's certificate. */
  readonly ca: Option.Option<string>
  /** The serial that the meter must have. */
  readonly serial: Option.Option<string>
  /** For one exchange, from connecting to the last byte; 5 seconds as a rule. */
  readonly timeout?: Duration.DurationInput
}

const maxResponseBytes = 64 * 1024

const Device = Schema.Struct({
  serial: Schema.String,
  productType: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("product_type")),
  firmwareVersion: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("firmware_version")),
  apiVersion: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("api_version")),
})

const firstIssue = (error: ParseResult.ParseError): string =>
  ParseResult.ArrayFormatter.formatErrorSync(error)
    .slice(0, 1)
    .map(({ message, path }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
    .join()

const codeOf = (cause: unknown): string => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  return typeof code === "string" ? code : "no connection"
}

/** `host:port`, as a URL has it. */
const addressOf = ({ host, port }: MeterOptions): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

interface Reply {
  readonly path: string
  readonly status: number
  readonly text: string
}

/** No telegram yet, and a device that has none to give. */
const withoutTelegram = [503, 404]

interface Exchange {
  readonly address: string
  readonly token: Redacted.Redacted
  readonly timeout: Duration.Duration
}

const make = (options: Exchange, dispatcher: Agent) =>
  Effect.gen(function* () {
    const { address, timeout } = options
    const oneAtATime = (yield* Effect.makeSemaphore(1)).withPermits(1)
    const client = NodeHttpClient.makeUndici(dispatcher).pipe(
      HttpClient.withTracerPropagation(false),
      HttpClient.mapRequest((request) =>
        request.pipe(
          HttpClientRequest.prependUrl(`https://${address}`),
          HttpClientRequest.bearerToken(options.token),
          HttpClientRequest.setHeader("X-Api-Version", "2"),
        ),
      ),
    )

    const unanswered = ({ cause }: HttpClientError.HttpClientError): MeterError => {
      if (cause instanceof MeterError) return cause
      if (codeOf(cause) === "UND_ERR_RES_EXCEEDED_MAX_SIZE") {
        return new MeterError({ reason: "Malformed", message: `The meter at ${address} answers more than 64 KB.` })
      }
      const message = `The meter at ${address} cannot be reached (${codeOf(cause)}): check HW_P1_HOST and the network.`
      return new MeterError({ reason: "Unreachable", message, cause })
    }

    const get = Effect.fn("meter.get")(
      function* <A>(path: string, read: (reply: Reply) => Effect.Effect<A, MeterError | ParseResult.ParseError>) {
        const response = yield* client.get(path)
        const text = yield* response.text
        if (response.status === 401) {
          return yield* new MeterError({
            reason: "Unauthorized",
            message: `The meter at ${address} refuses the token in HW_P1_TOKEN: pair again to get a new one.`,
          })
        }
        return yield* read({ path, status: response.status, text })
      },
      (effect, path) =>
        effect.pipe(
          Effect.catchTags({
            RequestError: (error) => Effect.fail(unanswered(error)),
            ResponseError: (error) => Effect.fail(unanswered(error)),
            ParseError: (error) =>
              Effect.fail(
                new MeterError({
                  reason: "Malformed",
                  message: `The meter at ${address} answers ${path} with something else than expected: ${firstIssue(error)}`,
                }),
              ),
          }),
          Effect.timeoutFail({
            duration: timeout,
            onTimeout: () =>
              new MeterError({
                reason: "Unreachable",
                message: `The meter at ${address} did not answer ${path} within ${Duration.format(timeout)}.`,
              }),
          }),
          oneAtATime,
        ),
    )

    const unexpected = ({ path, status }: Reply) =>
      new MeterError({ reason: "Malformed", message: `The meter at ${address} answers ${path} with status ${status}.` })
    const json =
      <A, I>(schema: Schema.Schema<A, I>) =>
      (reply: Reply): Effect.Effect<A, MeterError | ParseResult.ParseError> =>
        reply.status === 200 ? Schema.decode(Schema.parseJson(schema))(reply.text) : unexpected(reply)
    const telegram = (reply: Reply): Effect.Effect<Option.Option<string>, MeterError> => {
      if (reply.status === 200) return Effect.succeedSome(reply.text)
      return withoutTelegram.includes(reply.status) ? Effect.succeedNone : unexpected(reply)
    }

    return Meter.of({
      device: get("/api", json(Device)),
      measurement: get("/api/measurement", json(Measurement)),
      telegram: get("/api/telegram", telegram),
    })
  })

/** A HomeWizard P1 meter, Local API v2, over one connection to a peer that has proved to be the meter. */
export const layer = (options: MeterOptions): Layer.Layer<Meter> => {
  const timeout = Duration.decode(options.timeout ?? "5 seconds")
  const address = addressOf(options)
  const dispatcher = Effect.acquireRelease(
    Effect.sync(
      () =>
        new Agent({
          connections: 1,
          pipelining: 1,
          maxResponseSize: maxResponseBytes,
          connect: makeConnector({ ...options, address, timeoutMs: Duration.toMillis(timeout) }),
        }),
    ),
    (agent) => Effect.promise(() => agent.destroy()),
  )
  return Layer.scoped(
    Meter,
    Effect.flatMap(dispatcher, (agent) => make({ address, timeout, token: options.token }, agent)),
  )
}
