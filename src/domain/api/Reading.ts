import { Schema } from "effect"
import { DeviceId } from "../Device.ts"

/** The parameter of everything that reads one device; it may be left out where the token sees one device. */
export const device = { device_id: Schema.optional(DeviceId) }
