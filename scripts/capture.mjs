// npm run capture [-- --minutes 60 --cut 180 --folder DIR]: the real programs against a simulated meter for an hour, and
// what came of each of its telegrams. Then the meter is cut off, for longer than the two minutes that coverage bridges:
// that must show, and nothing else.
import { spawn } from "node:child_process"
import { parseArgs } from "node:util"
import { bundle } from "./support/bundle.mjs"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    cut: { type: "string", default: "180" },
    folder: { type: "string", default: "" },
  },
})
if (!/^\d+(\.\d+)?$/.test(values.minutes) || !/^\d+$/.test(values.cut)) {
  console.error("Usage: npm run capture [-- --minutes N --cut SECONDS --folder DIR]")
  process.exit(1)
}

await bundle({ capture: "bench/capture/main.ts" }, { outdir: "dist/bench" })

const capture = spawn(process.execPath, ["dist/bench/capture.js"], {
  stdio: "inherit",
  env: {
    ...process.env,
    CAPTURE_MINUTES: values.minutes,
    CAPTURE_CUT_S: values.cut,
    CAPTURE_FOLDER: values.folder,
  },
})
capture.on("exit", (code) => process.exit(code ?? 1))
