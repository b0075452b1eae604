import type { SqlError } from "@effect/sql"
import { Clock, Duration, Effect, Ref, Schema } from "effect"
import type { MeterInfo, Sample } from "../../domain/index.ts"
import { type SpoolError } from "../../domain/ports/index.ts"
import { Database } from "./Database.ts"
import { unwritten } from "./Failure.ts"
import type { Leaving } from "./Leaving.ts"
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

type Insert = (rows: ReadonlyArray<Encoded>) => Effect.Effect<void, SqlError.SqlError>

const eachAtOnce = ({ commit }: Leaving, insert: Insert) => ({
  append: (row: Encoded) => unwritten(commit(insert([row]))),
  pending: Effect.succeed(0),
  writeTogether: commit,
})

/**
 * Samples are kept in memory until their commit, at most as long as a group lasts, and until the spool is closed.
 * A group begins with its first sample, and ends early where something else is written: they share a commit. A sample
 * that was refused its commit waits for the next one.
 */
const inGroups = (every: Duration.Duration, leaving: Leaving, insert: Insert) =>
  Effect.gen(function* () {
    const pending = yield* Ref.make<ReadonlyArray<Encoded>>([])
    const some = yield* Effect.makeLatch(false)
    const sinceNs = yield* Ref.make(0n)
    const begin = Effect.flatMap(Clock.currentTimeNanos, (nowNs) => Ref.set(sinceNs, nowNs))
    const one = (yield* Effect.makeSemaphore(1)).withPermits(1)
    const commitWith = <A, E>(statements: Effect.Effect<A, E>) =>
      Effect.gen(function* () {
        const rows = yield* Ref.get(pending)
        const written = yield* leaving.commit(Effect.zipRight(insert(rows), statements))
        yield* some.close
        const later = yield* Ref.updateAndGet(pending, (all) => all.slice(rows.length))
        if (later.length > 0) yield* some.open
        return written
      }).pipe(Effect.ensuring(begin), Effect.uninterruptible, one)
    const commit = Effect.flatMap(Ref.get(pending), ({ length }) =>
      length === 0 ? Effect.void : unwritten(commitWith(Effect.void)),
    )
    const due: Effect.Effect<void> = Effect.gen(function* () {
      yield* some.await
      const leftNs = (yield* Ref.get(sinceNs)) + Duration.unsafeToNanos(every) - (yield* Clock.currentTimeNanos)
      if (leftNs > 0n) yield* Effect.zipRight(Effect.sleep(Duration.nanos(leftNs)), due)
    })

    yield* Effect.addFinalizer(() => Effect.ignoreLogged(commit))
    yield* due.pipe(Effect.zipRight(Effect.ignore(commit)), Effect.forever, Effect.forkScoped)
    return {
      append: (row: Encoded) =>
        Effect.gen(function* () {
          const { length } = yield* Ref.get(pending)
          if (length >= mostPending) yield* commit
          if (length === 0) yield* begin
          yield* Ref.update(pending, (rows) => [...rows, row])
          yield* some.open
        }),
      pending: Effect.map(Ref.get(pending), (rows) => rows.length),
      writeTogether: commitWith,
    }
  })

/** How samples get into the file, and what shares their commits. `refused` says why none may, where that is so. */
export const makeAppend = (commit: Commit, leaving: Leaving, refused: Effect.Effect<void, SpoolError>) =>
  Effect.gen(function* () {
    const { sql } = yield* Database
    const insert: Insert = Effect.forEach(
      (row) =>
        sql.unsafe(
          insertion,
          names.map((name) => row[name]),
        ),
      { discard: true },
    )
    const { append, ...others } =
      commit === "each" ? eachAtOnce(leaving, insert) : yield* inGroups(commit, leaving, insert)
    return {
      ...others,
      append: (sample: Sample, meter: MeterInfo | null) =>
        refused.pipe(Effect.zipRight(unwritten(encodeRow({ ...sample, meter }))), Effect.flatMap(append)),
    }
  })
