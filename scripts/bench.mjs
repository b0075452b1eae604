// npm run bench [-- SECTION …]: bundles each section, bench/NAME.ts, and runs it by itself; all of them unless named.
import { spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { basename, join } from "node:path"
import { bundle } from "./support/bundle.mjs"

const sections = readdirSync("bench")
  .filter((name) => name.endsWith(".ts"))
  .map((name) => basename(name, ".ts"))
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !sections.includes(name))
if (unknown.length > 0) {
  console.error(`No section ${unknown.join(", ")}: there is ${sections.join(", ")}.`)
  process.exit(1)
}
const chosen = wanted.length > 0 ? wanted : sections

await bundle(
  chosen.map((name) => join("bench", `${name}.ts`)),
  { outdir: "dist/bench" },
)

for (const name of chosen) {
  const { status } = spawnSync(process.execPath, ["--expose-gc", `dist/bench/${name}.js`], { stdio: "inherit" })
  if (status !== 0) process.exit(status ?? 1)
}
