import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { Duration, Effect } from "effect"
import { Spool } from "../../src/domain/ports/index.ts"
import { SqliteSpool } from "../../src/infra/sqlite/index.ts"
import { fullSample } from "../../test/support/Samples.ts"
import { bareCommits } from "./Backlog.ts"
import { line } from "./Report.ts"

const rows = 2_000

const spoolCommits = (filename: string) =>
  Effect.gen(function* () {
    const spool = yield* Spool
    const [took] = yield* Effect.timed(
      Effect.forEach(Array.from({ length: rows }), (_, n) => spool.append(fullSample(n * 1000), null), {
        discard: true,
      }),
    )
    return rows / Duration.toSeconds(took)
  }).pipe(Effect.provide(SqliteSpool.layer({ filename })))

/** Samples a second that the spool puts on the disk one by one, beside SQLite without us. */
export const measureCommits = (folder: string) =>
  Effect.gen(function* () {
    mkdirSync(folder, { recursive: true })
    const bare = bareCommits(join(folder, "bare.sqlite"), 31, rows)
    const value = yield* spoolCommits(join(folder, "spool.sqlite"))
    yield* line({
      name: "samples committed, one by one",
      value,
      unit: "rows/s",
      limit: { value: bare, of: "bare better-sqlite3, synchronous=FULL" },
      target: "≥ 100 (1 Hz is 1)",
    })
  })
