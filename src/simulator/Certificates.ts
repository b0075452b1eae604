import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto"
import { bitString, integer, oid, sequence, set, utcTime, utf8String } from "./Der.ts"

/** What a device shows in a TLS handshake, and who vouches for it. */
export interface Certificates {
  readonly caPem: string
  readonly leafPem: string
  readonly leafKeyPem: string
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
}

/** An X.509 certificate of version 1, without extensions, as the vendor's are. */
const certificate = ({ serialNumber, issuer, subject, publicKey, issuerKey }: Request): string => {
  const signed = sequence(
    integer(serialNumber),
    ecdsaWithSha256,
    nameOf(issuer),
    validity,
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
  )
  const signature = sign("sha256", signed, { key: issuerKey, dsaEncoding: "der" })
  return pem(sequence(signed, ecdsaWithSha256, bitString(signature)))
}

/** Makes an authority and one leaf for a device. The authority's key is thrown away: it signs nothing else. */
export const makeCertificates = (serial: string): Certificates => {
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const leaf = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const issuer = "Simulated Appliance Access CA"
  const issued = { issuer, issuerKey: authority.privateKey }
  return {
    caPem: certificate({
      ...issued,
      subject: issuer,
      publicKey: authority.publicKey,
      serialNumber: randomBytes(16),
    }),
    leafPem: certificate({
      ...issued,
      subject: commonNameOf(serial),
      publicKey: leaf.publicKey,
      serialNumber: Buffer.from(serial, "hex"),
    }),
    leafKeyPem: leaf.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  }
}
