import { apiVersion } from "../SimulatedMeter.ts"

/** Whether the device speaks the version that a client asks for: by its major number, the newest where none is asked. */
export const supportsVersion = (version: string | undefined): boolean =>
  version === undefined || version.split(".")[0] === apiVersion.split(".")[0]
