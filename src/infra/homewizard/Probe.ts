import { HttpClientRequest } from "@effect/platform"
import { Duration, Effect, Layer, Option, Queue, Redacted } from "effect"
import { WebSocket } from "ws"
import {
  type Conversation,
  type EdgeState,
  type MeterDiscovery,
  MeterError,
  MeterProbe,
  type ProbeCaller,
  type SpoolError,
} from "../../domain/ports/index.ts"
import { type DialOptions, makeDialer, timeoutOf } from "./Dialer.ts"
import { makeExchange } from "./Exchange.ts"
import { formatAddress } from "./Locator.ts"
import { authorized } from "./Meter.ts"

export interface ProbeOptions extends DialOptions {
  readonly token: Redacted.Redacted
  /** How long it waits for each message of the WebSocket; a meter before DSMR 5 has a telegram every 10 s. */
  readonly patience?: Duration.DurationInput
}

const maxFrameBytes = 64 * 1024
const madeUpToken = Redacted.make("0".repeat(32))

const make = (options: ProbeOptions) =>
  Effect.gen(function* () {
    const address = formatAddress(options)
    const patience = Duration.decode(options.patience ?? "15 seconds")
    const { dial, pin } = yield* makeDialer(options)
    const exchange = yield* makeExchange({ address, dial, timeout: timeoutOf(options) })
    const tokenOf = (as: ProbeCaller) => (as === "owner" ? options.token : madeUpToken)
    const silent = (why: string) =>
      new MeterError({ reason: "Unreachable", message: `The meter at ${address} ${why}.` })
    const connection = Effect.acquireRelease(dial, (socket) => Effect.sync(() => socket.destroy()))

    const converse = Effect.gen(function* () {
      const socket = yield* connection
      const heard = yield* Queue.unbounded<Option.Option<string>>()
      const webSocket = yield* Effect.acquireRelease(
        Effect.sync(() =>
          new WebSocket(`wss://${address}/api/ws`, {
            createConnection: () => socket,
            perMessageDeflate: false,
            maxPayload: maxFrameBytes,
          })
            .on("message", (data) => heard.unsafeOffer(Option.some(String(data))))
            .on("close", () => heard.unsafeOffer(Option.none()))
            .on("error", () => undefined),
        ),
        (webSocket) => Effect.sync(() => webSocket.terminate()),
      )
      const say = (frame: { readonly type: string; readonly data: string }) =>
        Effect.sync(() => {
          if (webSocket.readyState === WebSocket.OPEN) webSocket.send(JSON.stringify(frame))
        })
      return {
        hear: Queue.take(heard).pipe(
          Effect.timeoutFail({
            duration: patience,
            onTimeout: () => silent("says nothing over its WebSocket: check the cable between dongle and smart meter"),
          }),
          Effect.flatMap(
            Option.match({
              onNone: () => silent("hung up its WebSocket: restart it"),
              onSome: (text) => Effect.succeed(text),
            }),
          ),
        ),
        authorize: (as) => say({ type: "authorization", data: Redacted.value(tokenOf(as)) }),
        subscribe: (topic) => say({ type: "subscribe", data: topic }),
      } satisfies Conversation
    })

    return MeterProbe.of({
      serial: Effect.scoped(connection).pipe(
        Effect.zipRight(pin.known),
        Effect.map(Option.match({ onNone: () => "", onSome: ({ serial }) => serial })),
      ),
      get: (path, as) => exchange(authorized(address, tokenOf(as))(HttpClientRequest.get(path))),
      converse,
    })
  })

/** A P1 meter under examination, over connections to a peer that has proved to be the meter. */
export const layer = (options: ProbeOptions): Layer.Layer<MeterProbe, SpoolError, EdgeState | MeterDiscovery> =>
  Layer.scoped(MeterProbe, make(options))
