import { generateKeyPairSync, type KeyPairKeyObjectResult, randomBytes, sign } from "node:crypto"

const der = (tag: number, ...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const body = Buffer.concat(parts)
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}
const sequence = (...parts: ReadonlyArray<Uint8Array>) => der(0x30, ...parts)
const time = (text: string) => der(0x18, Buffer.from(text))
const commonNameType = Buffer.from("0603550403", "hex")
const ecdsaWithSha256 = sequence(Buffer.from("06082a8648ce3d040302", "hex"))
const nameOf = (commonName: string) => sequence(der(0x31, sequence(commonNameType, der(0x0c, Buffer.from(commonName)))))

export interface Authority {
  readonly name: string
  readonly keys: KeyPairKeyObjectResult
  readonly pem: string
}

/** What a TLS server shows. */
export interface Leaf {
  readonly cert: string
  readonly key: string
}

const newKeys = () => generateKeyPairSync("ec", { namedCurve: "P-256" })

const certificate = (
  issuer: Omit<Authority, "pem">,
  subject: { readonly name: string; readonly keys: KeyPairKeyObjectResult },
  notBefore: string,
  notAfter = "20991231235959Z",
): string => {
  const signed = sequence(
    der(0x02, Buffer.from([1]), randomBytes(8)),
    ecdsaWithSha256,
    nameOf(issuer.name),
    sequence(time(notBefore), time(notAfter)),
    nameOf(subject.name),
    subject.keys.publicKey.export({ type: "spki", format: "der" }),
  )
  const signature = sign("sha256", signed, issuer.keys.privateKey)
  const whole = sequence(signed, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature))
  return `-----BEGIN CERTIFICATE-----\n${whole.toString("base64")}\n-----END CERTIFICATE-----\n`
}

/** A CA of version 1, without extensions, as the vendor's. */
export const makeAuthority = (name: string): Authority => {
  const keys = newKeys()
  return { name, keys, pem: certificate({ name, keys }, { name, keys }, "20211218000000Z") }
}

/** A device's certificate and its key. */
export const makeLeaf = (
  authority: Authority,
  name: string,
  notBefore = "20250101000000Z",
  notAfter?: string,
): Leaf => {
  const keys = newKeys()
  return {
    cert: certificate(authority, { name, keys }, notBefore, notAfter),
    key: keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  }
}
