import { writeSync } from "node:fs"
import { Effect } from "effect"
import { Spool } from "../../src/domain/ports/index.ts"
import { SqliteSpool } from "../../src/infra/sqlite/index.ts"
import { sampleAt } from "./samples.ts"

/** Appends for ever and says after each sample which one is on the disk. */
const program = Effect.gen(function* () {
  const spool = yield* Spool
  for (let n = 1; ; n++) {
    yield* spool.append(sampleAt(n), null)
    writeSync(1, `${n}\n`)
  }
})

Effect.runFork(Effect.provide(program, SqliteSpool.layer({ filename: process.argv[2] ?? "" })))
