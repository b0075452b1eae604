import { Effect } from "effect"
import { Database, logBytes } from "./Database.ts"

/** A log that has grown beyond this is cut. */
const longLogBytes = 16_000_000
/** Free pages beyond this are given back to the disk. */
const manyFreePages = 1_024
/** With more samples than this in the file it is left as it is: they would all be copied. */
const fewSamples = 5_000

/** Gives the disk back what a backlog took, once it has drained. */
export const makeTidy = Effect.map(Database, ({ filename, outside, sql }) =>
  Effect.gen(function* () {
    const [pages] = yield* sql<{ readonly freelistCount: number }>`PRAGMA freelist_count`
    const [state] = yield* sql<{ readonly waiting: number }>`SELECT waiting FROM standing`
    if ((state?.waiting ?? 0) >= fewSamples) return
    const roomy = (pages?.freelistCount ?? 0) > manyFreePages
    if (roomy) yield* sql`VACUUM`
    if (roomy || logBytes(filename) > longLogBytes) yield* sql`PRAGMA wal_checkpoint(TRUNCATE)`
  }).pipe(outside),
)
