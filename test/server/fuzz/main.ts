import { parseArgs } from "node:util"
import { Console, Effect } from "effect"
import { layerServer } from "../support/server.ts"
import { boundedPorts, fuzz } from "./run.ts"

const { values } = parseArgs({
  options: { seed: { type: "string", default: "1" }, count: { type: "string", default: "100000" } },
})
const options = { seed: Number(values.seed), count: Number(values.count) }

const program = Effect.gen(function* () {
  const [took, { grownBytes, statuses }] = yield* Effect.timed(fuzz(options))
  yield* Console.log(`${options.count} requests from seed ${options.seed}: only documented replies, no 5xx`)
  yield* Console.log(`  statuses ${JSON.stringify(statuses)}`)
  yield* Console.log(`  heap after a quarter of them → at the end: ${(grownBytes / 1e6).toFixed(1)} MB`)
  yield* Console.log(`  ${took.pipe((duration) => String(duration))}`)
}).pipe(Effect.provide(layerServer(boundedPorts)))

await Effect.runPromise(
  Effect.catchAll(program, ({ message }) =>
    Effect.zipRight(
      Console.error(message),
      Effect.sync(() => {
        process.exitCode = 1
      }),
    ),
  ),
)
