// Checks who imports whom. A check that visited nothing has failed.
import { readFile } from "node:fs/promises"
import { cruise } from "dependency-cruiser"
import extractTSConfig from "dependency-cruiser/config-utl/extract-ts-config"

const { forbidden, options } = JSON.parse(await readFile(".dependency-cruiser.json", "utf8"))
const { output } = await cruise(["src"], { ...options, ruleSet: { forbidden }, validate: true }, undefined, {
  tsConfig: extractTSConfig("tsconfig.json"),
})
const visited = output.modules.filter(({ source }) => source.startsWith("src/")).length
for (const { from, to, rule } of output.summary.violations) console.error(`${rule.name}: ${from} → ${to}`)
if (visited < 10) console.error(`Only ${visited} modules were visited: the check is broken.`)
if (visited < 10 || output.summary.error > 0) process.exit(1)
console.log(`Boundaries hold: ${visited} modules.`)
