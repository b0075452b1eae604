import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto"
import { bitString, dnsName, explicit, integer, octetString, oid, sequence, set, utcTime, utf8String } from "./Der.ts"
import type { Switches } from "./Switches.ts"

/** What a device shows in a TLS handshake. */
export interface Leaf {
  readonly leafPem: string
  readonly leafKeyPem: string
}

/** A device's leaf, and the authority that vouches for it. */
export interface Certificates extends Leaf {
  readonly caPem: string
  readonly caKeyPem: string
}

/** The name a P1 meter's certificate carries. */
export const commonNameOf = (serial: string): string => `appliance/p1dongle/${serial}`

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"))
const validity = sequence(utcTime("200101000000Z"), utcTime("491231235959Z"))
const nameOf = (commonName: string): Buffer => sequence(set(sequence(oid("2.5.4.3"), utf8String(commonName))))

const pem = (der: Buffer): string => {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? []
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n")
}

interface Request {
  readonly serialNumber: Buffer
  readonly issuer: string
  readonly subject: string
  readonly publicKey: KeyObject
  readonly issuerKey: KeyObject
  /** A host name beside the subject's; a certificate without one has version 1 and no extensions. */
  readonly host?: string
}

const version3 = explicit(0, integer(Buffer.of(2)))
const alternativeName = (host: string): Buffer =>
  explicit(3, sequence(sequence(oid("2.5.29.17"), octetString(sequence(dnsName(host))))))

/** An X.509 certificate with as little in it as the vendor's have. */
const certificate = ({ host, serialNumber, issuer, subject, publicKey, issuerKey }: Request): string => {
  const signed = sequence(
    ...(host === undefined ? [] : [version3]),
    integer(serialNumber),
    ecdsaWithSha256,
    nameOf(issuer),
    validity,
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
    ...(host === undefined ? [] : [alternativeName(host)]),
  )
  const signature = sign("sha256", signed, { key: issuerKey, dsaEncoding: "der" })
  return pem(sequence(signed, ecdsaWithSha256, bitString(signature)))
}

const newKeys = () => generateKeyPairSync("ec", { namedCurve: "P-256" })
const pemOf = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString()

interface Authority {
  readonly name: string
  readonly key: KeyObject
}

const authorityName = "Simulated Appliance Access CA"

const makeAuthority = (): Authority & { readonly pem: string } => {
  const name = authorityName
  const { privateKey, publicKey } = newKeys()
  const issued = { issuer: name, issuerKey: privateKey, subject: name, publicKey }
  return { name, key: privateKey, pem: certificate({ ...issued, serialNumber: randomBytes(16) }) }
}

/** As seen on a device: with a host name that starts with the serial, and that nobody reaches it by. */
const makeLeaf = (authority: Authority, serial: string, subject = commonNameOf(serial)): Leaf => {
  const { privateKey, publicKey } = newKeys()
  const issued = { issuer: authority.name, issuerKey: authority.key, subject, publicKey, host: `${serial}.local` }
  return {
    leafPem: certificate({ ...issued, serialNumber: Buffer.from(serial, "hex") }),
    leafKeyPem: pemOf(privateKey),
  }
}

/** Makes an authority and a device's leaf. */
export const makeCertificates = (serial: string): Certificates => {
  const authority = makeAuthority()
  return { caPem: authority.pem, caKeyPem: pemOf(authority.key), ...makeLeaf(authority, serial) }
}

/** The leaf that a device shows which is, or only seems to be, the one with a serial. */
export const leafShown = (own: Certificates, serial: string, shown: Switches["certificate"]): Leaf => {
  const authority = { name: authorityName, key: createPrivateKey(own.caKeyPem) }
  switch (shown) {
    case "own":
      return own
    case "changed":
      return makeLeaf(authority, serial)
    case "stranger":
      return makeLeaf(makeAuthority(), serial)
    case "another-product":
      return makeLeaf(authority, serial, `appliance/energysocket/${serial}`)
  }
}
