import { type Duration, Effect, Ref, Schedule, Schema } from "effect"
import type { MeterInfo, Sample } from "../../domain/index.ts"
import { type SpoolError } from "../../domain/ports/index.ts"
import { Database } from "./Database.ts"
import { unwritten } from "./Failure.ts"
import { columnNames, columns, NewRow } from "./Rows.ts"

/** A commit for each sample, or one for all samples of a while. */
export type Commit = "each" | Duration.Duration

const encodeRow = Schema.encode(NewRow)
type Encoded = typeof NewRow.Encoded

const names = Object.keys(columns) as ReadonlyArray<keyof Encoded>
/** Under the next id, which nothing ever had, also when the samples before it have left. */
const insertion = `INSERT INTO sample (id, ${columnNames}) SELECT last_id + 1, ${names.map(() => "?").join(", ")} FROM standing`

/** So many samples wait for their commit while the disk refuses it; then no more are taken. */
const mostPending = 60

const eachAtOnce = (insert: (rows: ReadonlyArray<Encoded>) => Effect.Effect<void, SpoolError>) => ({
  append: (row: Encoded) => insert([row]),
  pending: Effect.succeed(0),
})

/**
 * Samples are kept in memory until their commit, at most as long as a group lasts, and until the spool is closed.
 * A sample that was refused its commit waits for the next one.
 */
const inGroups = (
  every: Duration.Duration,
  insert: (rows: ReadonlyArray<Encoded>) => Effect.Effect<void, SpoolError>,
) =>
  Effect.gen(function* () {
    const pending = yield* Ref.make<ReadonlyArray<Encoded>>([])
    const one = (yield* Effect.makeSemaphore(1)).withPermits(1)
    const commit = Effect.gen(function* () {
      const rows = yield* Ref.get(pending)
      if (rows.length === 0) return
      yield* insert(rows)
      yield* Ref.update(pending, (all) => all.slice(rows.length))
    }).pipe(Effect.uninterruptible, one)
    yield* Effect.addFinalizer(() => Effect.ignoreLogged(commit))
    yield* commit.pipe(Effect.ignore, Effect.delay(every), Effect.repeat(Schedule.forever), Effect.forkScoped)
    return {
      append: (row: Encoded) =>
        Ref.get(pending).pipe(
          Effect.flatMap((rows) => (rows.length >= mostPending ? commit : Effect.void)),
          Effect.zipRight(Ref.update(pending, (rows) => [...rows, row])),
        ),
      pending: Effect.map(Ref.get(pending), (rows) => rows.length),
    }
  })

/** How samples get into the file. `refused` says why none may, where that is so. */
export const makeAppend = (commit: Commit, refused: Effect.Effect<void, SpoolError>) =>
  Effect.gen(function* () {
    const { sql, write } = yield* Database
    const insert = (rows: ReadonlyArray<Encoded>) =>
      Effect.forEach(
        rows,
        (row) =>
          sql.unsafe(
            insertion,
            names.map((name) => row[name]),
          ),
        { discard: true },
      ).pipe(write, unwritten)
    const { append, pending } = commit === "each" ? eachAtOnce(insert) : yield* inGroups(commit, insert)
    return {
      pending,
      append: (sample: Sample, meter: MeterInfo | null) =>
        refused.pipe(Effect.zipRight(unwritten(encodeRow({ ...sample, meter }))), Effect.flatMap(append)),
    }
  })
