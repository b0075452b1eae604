import { isIP } from "node:net"
import { connect } from "node:tls"
import { Data, DateTime, Duration, Effect } from "effect"

/** What answers at a name cannot be trusted, or nothing does; the message says what to do. */
export class Untrusted extends Data.TaggedError("Untrusted")<{ readonly message: string }> {}

const remedies: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired: see Caddy's log, it renews by itself where ports 80 and 443 reach it",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name: set DOMAIN to the name that is asked for",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is its own: name the authority's file in NODE_EXTRA_CA_CERTS",
  SELF_SIGNED_CERT_IN_CHAIN: "its authority is not known here: name the authority's file in NODE_EXTRA_CA_CERTS",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "its authority is not known here: name the authority's file in NODE_EXTRA_CA_CERTS",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its authority is not known here: name the authority's file in NODE_EXTRA_CA_CERTS",
  ECONNREFUSED: "nothing answers there: start Caddy, and open its port",
  ENOTFOUND: "the name is not known: give it an address in the DNS",
}

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error)

const untrusted = (url: URL, error: unknown): Untrusted => {
  const code = codeOf(error)
  return new Untrusted({ message: `${url.host}: ${remedies[code] ?? `no connection (${code})`}.` })
}

const instantOf = (text: string): DateTime.Utc => DateTime.unsafeMake(Date.parse(text))

/** How long a certificate is valid. */
export interface Validity {
  readonly from: DateTime.Utc
  readonly until: DateTime.Utc
}

/** The validity of the certificate that is shown at the address, once it has been verified as any client would. */
export const validity = (url: URL, patience: Duration.DurationInput): Effect.Effect<Validity, Untrusted> =>
  Effect.async<Validity, Untrusted>((resume) => {
    const socket = connect({
      host: url.hostname,
      port: Number(url.port || "443"),
      ...(isIP(url.hostname) === 0 && { servername: url.hostname }),
      rejectUnauthorized: true,
    })
    socket
      .once("secureConnect", () => {
        const { valid_from: from, valid_to: until } = socket.getPeerCertificate()
        socket.destroy()
        resume(Effect.succeed({ from: instantOf(from), until: instantOf(until) }))
      })
      .once("error", (error) => resume(Effect.fail(untrusted(url, error))))
    return Effect.sync(() => socket.destroy())
  }).pipe(
    Effect.timeoutFail({
      duration: patience,
      onTimeout: () => new Untrusted({ message: `${url.host}: nothing answers within ${Duration.format(patience)}.` }),
    }),
  )
