import manifest from "../../package.json" with { type: "json" }

/** What this program is called where several run side by side, and its version. */
export const service = "p1-api"
export const { version } = manifest
