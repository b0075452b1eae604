import { build } from "esbuild"

/** Makes modules that Node.js runs here out of the sources; the libraries stay where they are installed. */
export const bundle = (entryPoints, to) =>
  build({
    entryPoints,
    ...to,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    logLevel: "warning",
    packages: "external",
  })
