import { connect, type TLSSocket } from "node:tls"
import { Either, Option } from "effect"
import type { buildConnector } from "undici"
import { MeterError } from "../../domain/ports/index.ts"
import { identify, peerOf } from "./Identity.ts"

export interface ConnectorOptions {
  readonly host: string
  readonly port: number
  /** The host and port, for people. */
  readonly address: string
  /** PEM of the CA that must have issued the meter's certificate. */
  readonly ca: Option.Option<string>
  readonly serial: Option.Option<string>
  readonly timeoutMs: number
}

/**
 * Connects to the meter and hands its socket over only once it has proved to be the meter. The certificate of a P1 is
 * for no host name, so Node's own verification cannot decide; with it switched off Node would not check anything, and
 * the token would go to whoever answers. The key that the meter shows first is the one it must show from then on. No
 * session is resumed, because a resumed one shows no certificate.
 */
export const makeConnector = (options: ConnectorOptions): buildConnector.connector => {
  let pinned = Option.none<string>()

  const check = (socket: TLSSocket): Either.Either<void, MeterError> => {
    const peer = peerOf(socket)
    const identified = identify(peer, {
      address: options.address,
      serial: options.serial,
      chain: Option.isSome(options.ca),
      key: pinned,
    })
    if (Either.isRight(identified)) pinned = Option.some(peer.key)
    return identified
  }

  return (_, callback) => {
    const socket = connect({
      host: options.host,
      port: options.port,
      minVersion: "TLSv1.2",
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(Option.isSome(options.ca) && { ca: options.ca.value }),
    })
    let decided = false
    const decide = (outcome: Either.Either<void, Error>) => {
      if (decided) return
      decided = true
      clearTimeout(timer)
      if (Either.isRight(outcome)) return callback(null, socket)
      socket.destroy()
      callback(outcome.left, null)
    }
    const silent = new MeterError({
      reason: "Unreachable",
      message: `The meter at ${options.address} does not answer.`,
    })
    const timer = setTimeout(() => decide(Either.left(silent)), options.timeoutMs)
    socket
      .setNoDelay(true)
      .on("error", (error) => decide(Either.left(error)))
      .once("secureConnect", () => decide(check(socket)))
  }
}
