import { Schema } from "effect"
import { ZoneName } from "./Zone.ts"

export const DeviceId = Schema.String.pipe(Schema.pattern(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/)).annotations({
  title: "DeviceId",
  description: "A device: small letters, digits and dashes, 1 to 64 of them",
  examples: ["home"],
})
export type DeviceId = typeof DeviceId.Type

/** A meter at a place: its name for people, its zone for the calendar. */
export const Device = Schema.Struct({
  deviceId: DeviceId,
  name: Schema.NonEmptyString.pipe(Schema.maxLength(100)),
  zone: ZoneName,
})
export type Device = typeof Device.Type

/** `Zonnestraat 12` → `zonnestraat-12`. */
export const deviceIdFor = (name: string): DeviceId =>
  name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 64)
    .replace(/^-+|-+$/g, "") || "device"
