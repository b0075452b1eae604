/** What the codes of Node and OpenSSL say, in words. */
const words: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is not known: check VPS_INGEST_URL and the network's DNS",
  EAI_AGAIN: "its name cannot be looked up: check this machine's network",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  ETIMEDOUT: "it does not answer",
  ERR_SOCKET_CONNECTION_TIMEOUT: "it cannot be connected to within 5 seconds",
  EHOSTUNREACH: "there is no way to it: check this machine's network",
  ENETUNREACH: "there is no way to it: check this machine's network",
  CERT_HAS_EXPIRED: "its certificate has expired: renew it on the server",
  CERT_NOT_YET_VALID: "its certificate is not valid yet: check this machine's clock",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name: check VPS_INGEST_URL",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "its certificate is signed by no known authority: name a private CA's file in NODE_EXTRA_CA_CERTS",
  SELF_SIGNED_CERT_IN_CHAIN:
    "its certificate is signed by no known authority: name a private CA's file in NODE_EXTRA_CA_CERTS",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "its certificate is signed by no known authority: name a private CA's file in NODE_EXTRA_CA_CERTS",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "its certificate is signed by no known authority: name a private CA's file in NODE_EXTRA_CA_CERTS",
  EPROTO: "it does not speak TLS: check the port in VPS_INGEST_URL",
}

const codeOf = (cause: unknown): string | undefined => {
  if (typeof cause !== "object" || cause === null) return undefined
  if ("code" in cause && typeof cause.code === "string") return cause.code
  return "cause" in cause ? codeOf(cause.cause) : undefined
}

/** Why the server could not be reached, in words and with the code to search for. */
export const describeTransport = (cause: unknown): string => {
  const code = codeOf(cause)
  if (code === undefined) return "The server cannot be reached"
  const said = words[code] ?? (code.startsWith("ERR_SSL") ? words["EPROTO"] : undefined)
  return `The server cannot be reached${said === undefined ? "" : `, ${said}`} (${code})`
}
