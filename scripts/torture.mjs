// npm run torture -- --edge [--seeds N] [--seed FIRST]: the fault tests of the suite for longer, and replayable.
import { spawn } from "node:child_process"
import { parseArgs } from "node:util"

const { values } = parseArgs({
  options: {
    edge: { type: "boolean", default: false },
    seeds: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
})
if (!values.edge || !/^\d+$/.test(values.seeds) || !/^\d+$/.test(values.seed)) {
  console.error("Usage: npm run torture -- --edge [--seeds N] [--seed FIRST]")
  process.exit(1)
}

console.log(`${values.seeds} seeds from ${values.seed}`)
console.log(`Again: npm run torture -- --edge --seeds ${values.seeds} --seed ${values.seed}`)
const vitest = spawn(process.execPath, ["node_modules/vitest/vitest.mjs", "run", "test/torture"], {
  stdio: "inherit",
  env: { ...process.env, P1_TORTURE_SEEDS: values.seeds, P1_TORTURE_SEED: values.seed },
})
vitest.on("exit", (code) => {
  console.log(`${values.seeds} seeds from ${values.seed}: ${code === 0 ? "nothing lost" : "FAILED"}`)
  process.exit(code ?? 1)
})
