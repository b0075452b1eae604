// npm run openapi: writes docs/openapi.json, the contract as a document, from the source that serves it.
import { mkdir, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { bundle } from "./support/bundle.mjs"

const outfile = resolve("node_modules/.cache/openapi-document.mjs")
await bundle(["src/server/OpenApiDocument.ts"], { outfile })
const { openApiDocument } = await import(pathToFileURL(outfile).href)
await mkdir("docs", { recursive: true })
await writeFile(join("docs", "openapi.json"), `${JSON.stringify(openApiDocument, null, 2)}\n`)
