import { Schema } from "effect"

/** Which P1 meter it is. */
export const MeterIdentity = Schema.Struct({
  /** Twelve hexadecimal digits in small letters. */
  serial: Schema.String,
  /** SHA-256 of the public key of its certificate, hexadecimal. */
  key: Schema.String,
})
export type MeterIdentity = typeof MeterIdentity.Type
