import { createHash } from "node:crypto"
import type { TLSSocket } from "node:tls"
import { Either, Option } from "effect"
import type { MeterIdentity } from "../../domain/index.ts"
import { MeterError } from "../../domain/ports/index.ts"

/** What a TLS peer showed of itself. */
export interface Peer {
  readonly commonName: unknown
  /** SHA-256 of its public key. */
  readonly key: string
  /** Why its chain does not lead to the given CA. */
  readonly chainError: Option.Option<string>
}

export const peerOf = (socket: TLSSocket): Peer => {
  const certificate = socket.getPeerX509Certificate()
  const key = certificate?.publicKey.export({ type: "spki", format: "der" }) ?? ""
  return {
    commonName: certificate?.toLegacyObject().subject.CN,
    key: createHash("sha256").update(key).digest("hex"),
    chainError: socket.authorized ? Option.none() : Option.some(String(socket.authorizationError)),
  }
}

/** What the peer has to be. */
export interface Expected {
  /** The host and port it was reached at, for people. */
  readonly address: string
  /** The serial that it must have, whatever was seen before. */
  readonly serial: Option.Option<string>
  /** Whether its chain has to lead to the given CA. */
  readonly chain: boolean
  /** Who it was at the first contact. */
  readonly pinned: Option.Option<MeterIdentity>
}

const commonNameOfMeter = /^appliance\/p1dongle\/([0-9a-f]{12})$/i

const clockErrors = ["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"]

const chainError = (address: string, code: string): MeterError =>
  clockErrors.includes(code)
    ? new MeterError({
        reason: "CertificateDates",
        message: `The certificate of the meter at ${address} is not valid at this time (${code}): set this machine's clock.`,
      })
    : new MeterError({
        reason: "WrongIdentity",
        message: `The certificate of the meter at ${address} was not issued by the CA in HW_P1_CA_FILE (${code}): check HW_P1_HOST and that file.`,
      })

/**
 * Which meter the peer is: its certificate names a P1 dongle, the one with the serial where that is known, was issued
 * by the CA where one is given, and has the key that was seen before. Only then may it see the token. The dates of a
 * certificate whose key was seen before do not count: a machine without a clock chip starts at any time.
 */
export const identify = (peer: Peer, expected: Expected): Either.Either<MeterIdentity, MeterError> => {
  const wrong = (message: string) => Either.left(new MeterError({ reason: "WrongIdentity", message }))
  const { address, pinned } = expected
  const serial = typeof peer.commonName === "string" ? commonNameOfMeter.exec(peer.commonName)?.[1] : undefined
  if (serial === undefined) {
    return wrong(`What answers at ${address} is no HomeWizard P1 meter by its certificate: check HW_P1_HOST.`)
  }
  const identity = { serial: serial.toLowerCase(), key: peer.key }
  const wanted = Option.orElse(expected.serial, () => Option.map(pinned, (known) => known.serial))
  if (Option.exists(wanted, (known) => known.toLowerCase() !== identity.serial)) {
    return wrong(
      `The meter at ${address} is ${identity.serial}, not ${Option.getOrElse(wanted, () => "")}, and did not get the token: check HW_P1_HOST, or pair again if this is your new meter.`,
    )
  }
  const isPinned = Option.exists(pinned, ({ key }) => key === identity.key)
  const chain = Option.filter(peer.chainError, (code) => !(isPinned && clockErrors.includes(code)))
  if (expected.chain && Option.isSome(chain)) return Either.left(chainError(address, chain.value))
  if (Option.isSome(pinned) && !isPinned) {
    return wrong(
      `The meter at ${address} shows another key than before and did not get the token: if the meter was replaced or reset, pair again (p1-edge pair); if not, something else answers in its place.`,
    )
  }
  return Either.right(identity)
}
