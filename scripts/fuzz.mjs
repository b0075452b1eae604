// npm run fuzz [-- --seed N --count N]: sends requests from the contract's own schemas to a server in memory.
import { spawnSync } from "node:child_process"
import { bundle } from "./support/bundle.mjs"

await bundle(["test/server/fuzz/main.ts"], { outfile: "dist/fuzz.js" })
process.exit(spawnSync(process.execPath, ["dist/fuzz.js", ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1)
