import { connect, type TLSSocket } from "node:tls"
import { Duration, Effect, Option } from "effect"
import { MeterError } from "../../domain/ports/index.ts"
import { identify, peerOf } from "./Identity.ts"
import { type Address, formatAddress, makeLocator } from "./Locator.ts"
import { makePin } from "./Pin.ts"

export interface DialOptions extends Address {
  /** PEM of the CA that must have issued the meter's certificate. */
  readonly ca: Option.Option<string>
  /** The serial that the meter must have. */
  readonly serial: Option.Option<string>
  /** Whether the one seen before does not count: only pairing begins anew. */
  readonly anew?: boolean
  /** For one connection or one exchange over it; 5 seconds as a rule. */
  readonly timeout?: Duration.DurationInput
}

export const timeoutOf = ({ timeout }: DialOptions): Duration.Duration => Duration.decode(timeout ?? "5 seconds")

const codeOf = (cause: unknown): string => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  return typeof code === "string" ? code : "no connection"
}

export const unreachable = (address: string, cause: unknown): MeterError =>
  new MeterError({
    reason: "Unreachable",
    message: `The meter at ${address} cannot be reached (${codeOf(cause)}): check HW_P1_HOST and the network.`,
    cause,
  })

/** A TLS connection to whoever is at an address: nothing is decided about it, so nothing may be sent over it. */
export const open = (at: Address, ca: Option.Option<string>): Effect.Effect<TLSSocket, MeterError> =>
  Effect.async((resume) => {
    const socket = connect({
      host: at.host,
      port: at.port,
      minVersion: "TLSv1.2",
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(Option.isSome(ca) && { ca: ca.value }),
    })
    socket
      .setNoDelay(true)
      .on("error", (error) => resume(Effect.fail(unreachable(formatAddress(at), error))))
      .on("close", () => resume(Effect.fail(unreachable(formatAddress(at), undefined))))
      .once("secureConnect", () => resume(Effect.succeed(socket)))
    return Effect.sync(() => socket.destroy())
  })

/**
 * Makes connections to the meter and hands one over only once it has proved to be the meter. The certificate of a P1 is
 * for no host name, so Node's own verification cannot decide; with it switched off Node would not check anything, and
 * the token would go to whoever answers. The key that the meter shows first is the one it must show from then on. No
 * session is resumed, because a resumed one shows no certificate.
 */
export const makeDialer = Effect.fn("makeDialer")(function* (options: DialOptions) {
  const pin = yield* makePin(options.anew ?? false)
  const locator = yield* makeLocator(options, pin)
  const timeout = timeoutOf(options)

  const prove = (socket: TLSSocket, address: string) =>
    Effect.gen(function* () {
      const known = yield* pin.known
      const identity = yield* identify(peerOf(socket), {
        address,
        serial: options.serial,
        chain: Option.isSome(options.ca),
        pinned: known,
      })
      if (Option.isSome(known)) return
      yield* Effect.mapError(
        pin.seen(identity),
        ({ message }) => new MeterError({ reason: "Unreachable", message: `The meter is not asked. ${message}` }),
      )
    })

  /** Ends in time also where it is acquired as a resource, which cannot be interrupted otherwise. */
  const dial: Effect.Effect<TLSSocket, MeterError> = Effect.gen(function* () {
    const at = yield* locator.address
    const address = formatAddress(at)
    const socket = yield* Effect.timeoutFail(Effect.interruptible(open(at, options.ca)), {
      duration: timeout,
      onTimeout: () =>
        new MeterError({
          reason: "Unreachable",
          message: `The meter at ${address} does not answer: check HW_P1_HOST.`,
        }),
    })
    yield* Effect.onError(prove(socket, address), () => Effect.sync(() => socket.destroy()))
    return socket
  }).pipe(Effect.tapBoth({ onFailure: () => locator.failed, onSuccess: () => locator.reached }))

  return { dial, pin }
})
export type Dialer = Effect.Effect.Success<ReturnType<typeof makeDialer>>
