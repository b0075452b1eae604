import manifest from "../../../package.json" with { type: "json" }

/** Of this project: all its programs carry the same one. */
export const { version } = manifest
