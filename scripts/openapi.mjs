// npm run openapi: writes docs/openapi.json, the contract as a document, from the source that serves it.
import { mkdir, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { build } from "esbuild"

const bundle = resolve("node_modules/.cache/openapi-document.mjs")
await build({
  entryPoints: ["src/server/OpenApiDocument.ts"],
  outfile: bundle,
  bundle: true,
  platform: "node",
  format: "esm",
  packages: "external",
  logLevel: "warning",
})
const { openApiDocument } = await import(pathToFileURL(bundle).href)
await mkdir("docs", { recursive: true })
await writeFile(join("docs", "openapi.json"), `${JSON.stringify(openApiDocument, null, 2)}\n`)
