import { Schema } from "effect"

export const Watts = Schema.Number
export const Kilowatts = Schema.Number
export const Kwh = Schema.Number
export const Euros = Schema.Number

/** 0 to 1; six decimals are enough. */
export const Share = Schema.transform(Schema.Number.annotations({ description: "0 to 1" }), Schema.Number, {
  strict: true,
  decode: (share) => share,
  encode: (share) => Math.round(share * 1_000_000) / 1_000_000,
})

export const orNull = Schema.NullOr
