import { Option, Redacted, Schema } from "effect"
import { DeviceId } from "./Device.ts"

/** `device` may write one device's samples, `read` may read one or more devices. */
export const TokenKind = Schema.Literal("device", "read")
export type TokenKind = typeof TokenKind.Type

const prefixes = { device: "p1d_", read: "p1r_" } as const
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
const idLength = 10
const secretLength = 32
const checksumLength = 6
const shape = new RegExp(
  `^(p1d_|p1r_)([0-9A-Za-z]{${idLength}})([0-9A-Za-z]{${secretLength}})([0-9A-Za-z]{${checksumLength}})$`,
)

/** Device tokens of one device that may work at a time: the old and the new one while they are exchanged. */
export const maxDeviceTokens = 2
/** How often it is noted that a token is used. */
export const useNotedEveryMs = 60_000

/** What the server keeps of a token: never its secret, only the SHA-256 of the whole. */
export const TokenRecord = Schema.Struct({
  tokenId: Schema.String,
  kind: TokenKind,
  sha256: Schema.String,
  deviceIds: Schema.Array(DeviceId),
})
export type TokenRecord = typeof TokenRecord.Type

const base62 = (value: number, length: number): string => {
  let text = ""
  for (let rest = value; text.length < length; rest = Math.floor(rest / 62)) text = alphabet.charAt(rest % 62) + text
  return text
}

/** CRC-32 (IEEE 802.3) of ASCII text, unsigned. */
const crc32 = (text: string): number => {
  let crc = 0xffffffff
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i)
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

const checksum = (body: string): string => base62(crc32(body), checksumLength)

/** Random letters and digits a token needs: a public id and a secret of 190 bits. */
export const tokenRandomLength = idLength + secretLength

/** A letter or digit for a random byte, or none when the byte would make some letters likelier than others. */
export const tokenLetter = (byte: number): Option.Option<string> =>
  byte < 248 ? Option.some(alphabet.charAt(byte % 62)) : Option.none()

/** The token of a kind from `tokenRandomLength` random letters: prefix, public id, secret, checksum. */
export const formatToken = (kind: TokenKind, letters: string): Redacted.Redacted => {
  const body = prefixes[kind] + letters.slice(0, tokenRandomLength)
  return Redacted.make(body + checksum(body))
}

/** Kind and public id of a token that is well formed and whose checksum is right. */
export const parseToken = (
  token: Redacted.Redacted,
): Option.Option<{ readonly kind: TokenKind; readonly tokenId: string }> => {
  const text = Redacted.value(token)
  const match = shape.exec(text)
  if (match === null || checksum(text.slice(0, -checksumLength)) !== match[4]) return Option.none()
  return Option.some({ kind: match[1] === prefixes.device ? "device" : "read", tokenId: match[2] ?? "" })
}
