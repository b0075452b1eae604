import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { Effect, Layer, Schema } from "effect"
import { Database } from "./Database.ts"
import { type DamagedFile, openDamaged } from "./DamagedFile.ts"
import { sampleOf } from "./Inherit.ts"

const chunkSize = 500
const pause = "5 millis"

const Job = Schema.Struct({
  file: Schema.String,
  expected: Schema.NullOr(Schema.Number),
  nextId: Schema.Number,
})
const decodeJobs = Schema.decodeUnknown(Schema.Array(Job))

interface Chunk {
  readonly rows: ReadonlyArray<NonNullable<ReturnType<typeof sampleOf>>>
  readonly lost: number
  /** Where to go on; null at the end. */
  readonly nextId: number | null
}

const chunkFrom = (file: DamagedFile, id: number): Chunk => {
  const raw = file.from("sample", id, chunkSize)
  const rows = raw.map(sampleOf).filter((row) => row !== null)
  const next = Math.max(id - 1, ...raw.map((row) => row.id)) + 1
  return {
    rows,
    lost: raw.length - rows.length,
    nextId: raw.length === chunkSize ? next : file.nextReadable("sample", next),
  }
}

/**
 * Reads the samples out of damaged files, piece by piece beside the polling, and goes on after a restart. What was
 * waiting and could not be read is counted as lost.
 */
export const layer: Layer.Layer<never, never, Database> = Layer.scopedDiscard(
  Effect.gen(function* () {
    const { filename, read, sql, write } = yield* Database

    const keep = ({ lost, nextId, rows }: Chunk, name: string) =>
      Effect.gen(function* () {
        for (const row of rows) yield* sql`INSERT OR IGNORE INTO sample ${sql.insert(row)}`
        yield* sql`UPDATE salvage SET salvaged = salvaged + ${rows.length}, lost = lost + ${lost},
          next_id = coalesce(${nextId}, next_id) WHERE file = ${name}`
      }).pipe(write)

    const finish = (name: string) =>
      Effect.gen(function* () {
        yield* sql`UPDATE salvage SET done = 1, lost = max(lost, coalesce(expected, 0) - salvaged) WHERE file = ${name}`
        const [counts] = yield* sql<{ readonly salvaged: number; readonly lost: number }>`
          SELECT salvaged, lost FROM salvage WHERE file = ${name}`
        return counts
      }).pipe(write)

    const salvage = ({ file: name, nextId }: typeof Job.Type) =>
      Effect.gen(function* () {
        const path = join(dirname(filename), name)
        const file = existsSync(path) ? yield* openDamaged(path) : null
        for (let id: number | null = file && nextId; file !== null && id !== null;) {
          const chunk = chunkFrom(file, id)
          yield* keep(chunk, name)
          id = chunk.nextId
          yield* Effect.sleep(pause)
        }
        yield* Effect.logWarning("The damaged spool has been read; its file is kept and may be removed").pipe(
          Effect.annotateLogs({ file: path, ...(yield* finish(name)) }),
        )
      }).pipe(Effect.scoped)

    const jobs = yield* sql`SELECT file, expected, next_id FROM salvage WHERE done = 0`.pipe(
      read,
      Effect.flatMap(decodeJobs),
      Effect.orElseSucceed(() => []),
    )
    yield* Effect.forEach(jobs, salvage, { discard: true }).pipe(
      Effect.catchAll((error) =>
        Effect.logWarning("The damaged spool could not be read to its end; the next start goes on", error),
      ),
      Effect.annotateLogs("module", "spool"),
      Effect.forkScoped,
    )
  }),
)
