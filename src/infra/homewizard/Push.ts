import type { TLSSocket } from "node:tls"
import { Duration, Effect, Either, Option, Redacted, Schema, Stream } from "effect"
import { WebSocket } from "ws"
import { Measurement } from "../../domain/index.ts"
import { MeterError } from "../../domain/ports/index.ts"
import { refused } from "./Exchange.ts"

/** How long the meter may be silent before its connection counts as dead. */
export interface PushLimits {
  /** Until it has let us in; the device itself waits 40 s for the token. */
  readonly authorized: Duration.DurationInput
  /** Between pings; a connection without an answer to the last one is dead at the next. */
  readonly ping: Duration.DurationInput
  /** Between measurements; meters before DSMR 5 give one every 10 s. */
  readonly data: Duration.DurationInput
}

const usualLimits: PushLimits = { authorized: "10 seconds", ping: "10 seconds", data: "30 seconds" }

export interface PushOptions {
  /** Host and port, for people. */
  readonly address: string
  readonly token: Redacted.Redacted
  /** A connection to a peer that has proved to be the meter. */
  readonly dial: Effect.Effect<TLSSocket, MeterError>
  readonly limits?: Partial<PushLimits> | undefined
}

const maxFrameBytes = 64 * 1024

const Frame = Schema.parseJson(Schema.Struct({ type: Schema.String, data: Schema.optional(Schema.Unknown) }))
const decodeFrame = Schema.decodeEither(Frame)
const decodeMeasurement = Schema.decodeUnknownEither(Measurement)
const decodeProblem = Schema.decodeUnknownOption(Schema.Struct({ message: Schema.String }))

/** A reading, or what is wrong with it. */
export type Pushed = Either.Either<Measurement, MeterError>

/** One WebSocket, and what is known of it. */
interface Line {
  readonly socket: WebSocket
  authorized: boolean
  /** Whether the last ping was answered. */
  answered: boolean
}

const openLine = (address: string, connection: TLSSocket): Line => {
  const socket = new WebSocket(`wss://${address}/api/ws`, {
    createConnection: () => connection,
    perMessageDeflate: false,
    maxPayload: maxFrameBytes,
  })
  const line = { socket, authorized: false, answered: true }
  socket.on("pong", () => {
    line.answered = true
  })
  return line
}

/**
 * What the meter pushes over one WebSocket, a measurement for each telegram: ends with the connection, or when that is
 * found dead by a ping without answer or by silence. The token is the answer to the meter's request for it, on a
 * connection whose peer has been identified.
 *
 * Source: HomeWizard API documentation, v2, "WebSocket".
 */
export const makePush = (options: PushOptions): Stream.Stream<Pushed, MeterError> => {
  const { address, token } = options
  const limits = { ...usualLimits, ...options.limits }
  const dead = (why: string) => new MeterError({ reason: "Unreachable", message: `The meter at ${address} ${why}.` })
  const malformed = (what: string) =>
    new MeterError({ reason: "Malformed", message: `The meter at ${address} ${what}.` })

  const say = ({ socket }: Line, frame: { readonly type: string; readonly data: string }): Option.Option<Pushed> => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame))
    return Option.none()
  }

  const reactTo = (line: Line, text: string): Effect.Effect<Option.Option<Pushed>, MeterError> => {
    const frame = decodeFrame(text)
    if (Either.isLeft(frame)) return Effect.succeedSome(Either.left(malformed("pushes something that is no message")))
    const { data, type } = frame.right
    switch (type) {
      case "authorization_requested":
      case "authentication_requested":
        return Effect.sync(() => say(line, { type: "authorization", data: Redacted.value(token) }))
      case "authorized":
        line.authorized = true
        return Effect.sync(() => say(line, { type: "subscribe", data: "measurement" }))
      case "measurement":
        return Effect.succeedSome(
          Either.mapLeft(decodeMeasurement(data), () => malformed("pushes something that is no measurement")),
        )
      case "error": {
        const said = Option.match(decodeProblem(data), { onNone: () => "", onSome: ({ message }) => ` (${message})` })
        return line.authorized ? malformed(`ends the push connection${said}`) : refused(address)
      }
      default:
        return Effect.succeedNone
    }
  }

  const heard = Stream.asyncPush<readonly [Line, string], MeterError>(
    (emit) =>
      Effect.gen(function* () {
        const connection = yield* Effect.acquireRelease(options.dial, (socket) => Effect.sync(() => socket.destroy()))
        const line = openLine(address, connection)
        line.socket
          .on("message", (data) => emit.single([line, String(data)]))
          .on("error", () => emit.fail(dead("broke the push connection")))
          .on("close", () => emit.fail(dead("closed the push connection")))
        yield* Effect.addFinalizer(() => Effect.sync(() => line.socket.terminate()))
        yield* Effect.forkScoped(watch(line, emit.fail))
      }),
    { bufferSize: "unbounded" },
  )

  /** Looks whether the other side is still there. */
  const watch = (line: Line, fail: (error: MeterError) => void) =>
    Effect.all(
      [
        Effect.delay(
          Effect.sync(() => line.authorized || fail(dead("did not let the push connection in"))),
          limits.authorized,
        ),
        Effect.sync(() => {
          if (!line.answered) return fail(dead("does not answer on the push connection"))
          if (line.socket.readyState !== WebSocket.OPEN) return
          line.answered = false
          line.socket.ping()
        }).pipe(Effect.delay(limits.ping), Effect.forever),
      ],
      { concurrency: "unbounded", discard: true },
    )

  return heard.pipe(
    Stream.mapEffect(([line, text]) => reactTo(line, text)),
    Stream.filterMap((pushed) => pushed),
    Stream.timeoutFail(() => dead(`pushed nothing for ${Duration.format(Duration.decode(limits.data))}`), limits.data),
  )
}
