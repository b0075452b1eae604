import type { TLSSocket } from "node:tls"
import { FileSystem, HttpClient, HttpClientError, type HttpClientRequest, HttpIncomingMessage } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { Duration, Effect, Option, ParseResult, Schema } from "effect"
import { MeterError } from "../../domain/ports/index.ts"
import { dialedAgent } from "./DialedAgent.ts"
import { unreachable } from "./Dialer.ts"

/** What the meter answered. */
export interface Reply {
  readonly path: string
  readonly status: number
  readonly text: string
}

export interface ExchangeOptions {
  /** Host and port, for people. */
  readonly address: string
  readonly timeout: Duration.Duration
  /** A connection to a peer that has proved to be the meter; plain TCP where there is none. */
  readonly dial?: Effect.Effect<TLSSocket, MeterError>
}

const maxResponseBytes = Option.some(FileSystem.KiB(64))

/** Every failure of the connection has a code; a reply that is cut short for its length has none. */
const isTooLarge = (error: HttpClientError.HttpClientError): boolean =>
  error instanceof HttpClientError.ResponseError && !(error.cause instanceof Error && "code" in error.cause)

/** One request at a time over one connection, each limited in time as a whole. */
export const makeExchange = Effect.fn("makeExchange")(function* ({ address, dial, timeout }: ExchangeOptions) {
  const agent = yield* dial === undefined ? NodeHttpClient.makeAgent({ keepAlive: true }) : dialedAgent(address, dial)
  const client = HttpClient.withTracerPropagation(
    yield* Effect.provideService(NodeHttpClient.make, NodeHttpClient.HttpAgent, agent),
    false,
  )
  const oneAtATime = (yield* Effect.makeSemaphore(1)).withPermits(1)
  const failed = (error: HttpClientError.HttpClientError): MeterError => {
    if (error.cause instanceof MeterError) return error.cause
    return isTooLarge(error)
      ? new MeterError({ reason: "Malformed", message: `The meter at ${address} answers more than 64 KB.` })
      : unreachable(address, error.cause)
  }

  return (request: HttpClientRequest.HttpClientRequest): Effect.Effect<Reply, MeterError> => {
    const path = new URL(request.url).pathname
    return client.execute(request).pipe(
      Effect.flatMap((response) => Effect.map(response.text, (text) => ({ path, status: response.status, text }))),
      HttpIncomingMessage.withMaxBodySize(maxResponseBytes),
      Effect.mapError(failed),
      Effect.timeoutFail({
        duration: timeout,
        onTimeout: () =>
          new MeterError({
            reason: "Unreachable",
            message: `The meter at ${address} did not answer ${path} within ${Duration.format(timeout)}.`,
          }),
      }),
      oneAtATime,
    )
  }
})
export type Exchange = Effect.Effect.Success<ReturnType<typeof makeExchange>>

/** The token is not, or no longer, that of a user of the meter. */
export const refused = (address: string): MeterError =>
  new MeterError({
    reason: "Unauthorized",
    message: `The meter at ${address} refuses the token: pair again to get a new one (p1-edge pair).`,
  })

export const unexpectedStatus = (address: string, { path, status }: Reply): MeterError =>
  new MeterError({ reason: "Malformed", message: `The meter at ${address} answers ${path} with status ${status}.` })

const firstIssue = (error: ParseResult.ParseError): string =>
  ParseResult.ArrayFormatter.formatErrorSync(error)
    .slice(0, 1)
    .map(({ message, path }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
    .join()

/** What a reply with status 200 says. */
export const decodeReply = <A, I>(
  address: string,
  schema: Schema.Schema<A, I>,
  reply: Reply,
): Effect.Effect<A, MeterError> =>
  reply.status === 200
    ? Effect.mapError(
        Schema.decode(Schema.parseJson(schema))(reply.text),
        (error) =>
          new MeterError({
            reason: "Malformed",
            message: `The meter at ${address} answers ${reply.path} with something else than expected: ${firstIssue(error)}`,
          }),
      )
    : unexpectedStatus(address, reply)

/** The telegram of a reply; none when the meter has had none yet, or is a device that gives none. */
export const decodeTelegram = (address: string, reply: Reply) => {
  if (reply.status === 200) return Effect.succeedSome(reply.text)
  return reply.status === 503 || reply.status === 404 ? Effect.succeedNone : unexpectedStatus(address, reply)
}
