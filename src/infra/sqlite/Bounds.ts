import { statfs } from "node:fs/promises"
import { dirname } from "node:path"
import { Array as Arr, Effect, Ref, Schedule, Schema } from "effect"
import { thin, type ThinningStage, thinningStages } from "../../domain/index.ts"
import { SpoolError } from "../../domain/ports/index.ts"
import { Database, logBytes } from "./Database.ts"
import { remove } from "./Settle.ts"

export interface Bounds {
  /** Size of the spool's file together with its log, bytes. */
  readonly maxBytes: number
  /** What is left of the disk to others, bytes. */
  readonly minFreeBytes: number
}

export const defaultBounds: Bounds = { maxBytes: 2_000_000_000, minFreeBytes: 200_000_000 }

const lookEvery = "30 seconds"
const chunkSize = 12_000
/** So many samples before them are looked at as well. */
const contextSize = 5_000
/** Thinning goes on until so much of the room is used: not again at the next sample. */
const enough = 0.97
/**
 * Bytes that are kept for the log, half the room at most: it is copied into the file at 4 MB, and one piece of thinning
 * writes up to 11 MB. A longer one, of samples that were all moved in time, is cut.
 */
const logRoom = 16_000_000

const Stored = Schema.Struct({
  id: Schema.Number,
  tsMs: Schema.Number,
  powerW: Schema.Number,
  importKwh: Schema.NullOr(Schema.Number),
  exportKwh: Schema.NullOr(Schema.Number),
  said: Schema.String,
  saysOfItself: Schema.transform(Schema.Number, Schema.Boolean, {
    strict: true,
    decode: (flag) => flag !== 0,
    encode: Number,
  }),
})
const decodeRows = Schema.decodeUnknown(Schema.Array(Stored))
const decodeMark = Schema.decodeUnknown(Schema.Array(Schema.Struct({ mark: Schema.Number })))

type Sql = (typeof Database.Service)["sql"]

const columns = `id, ts AS ts_ms, power_w, energy_import_kwh AS import_kwh, energy_export_kwh AS export_kwh,
  json_array(tariff, monthly_power_peak_w, monthly_power_peak_ts, external) AS said, meter IS NOT NULL AS says_of_itself`

const around = (sql: Sql, mark: number) =>
  Effect.gen(function* () {
    const names = sql.literal(columns)
    const before = yield* sql`SELECT ${names} FROM sample WHERE id <= ${mark} ORDER BY id DESC LIMIT ${contextSize}`
    const after = yield* sql`SELECT ${names} FROM sample WHERE id > ${mark} ORDER BY id LIMIT ${chunkSize}`
    return { before: Arr.reverse(yield* decodeRows(before)), after: yield* decodeRows(after) }
  })

/** Samples so close that none of a full piece can be decided upon are passed over. */
const decide = (sql: Sql, stage: ThinningStage, mark: number) =>
  Effect.map(around(sql, mark), ({ after, before }) => {
    const thinned = thin([...before, ...after], stage, mark)
    return { ids: thinned.ids, mark: thinned.mark ?? (after.length === chunkSize ? (after.at(-1)?.id ?? null) : null) }
  })

/** One piece of thinning; false when the newest samples have been reached. To be run in a transaction. */
const thinSome = (sql: Sql, stage: ThinningStage, index: number) =>
  Effect.gen(function* () {
    const [known] = yield* Effect.flatMap(sql`SELECT mark FROM thinning WHERE stage = ${index}`, decodeMark)
    const { ids, mark } = yield* decide(sql, stage, known?.mark ?? 0)
    if (mark === null) return false
    yield* remove(sql, ids)
    yield* sql`INSERT INTO thinning ${sql.insert({ stage: index, mark, dropped: ids.length })}
      ON CONFLICT (stage) DO UPDATE SET mark = excluded.mark, dropped = dropped + excluded.dropped`
    return true
  })

/**
 * Keeps the spool within its bounds: looks every while and thins the oldest samples where it must. At its own bound,
 * with nothing left to thin, it takes no more samples; a disk that others have filled it uses to the end.
 */
export const makeBounds = (bounds: Bounds) =>
  Effect.gen(function* () {
    const { bytes, filename, outside, read, sql, write } = yield* Database
    const full = yield* Ref.make(false)

    const number = (pragma: string) =>
      Effect.map(
        read(sql.unsafe<Readonly<Record<string, number>>>(`PRAGMA ${pragma}`)),
        ([row]) => Object.values(row ?? {})[0] ?? 0,
      )
    const used = Effect.gen(function* () {
      const pages = (yield* number("page_count")) - (yield* number("freelist_count"))
      return pages * (yield* number("page_size"))
    })
    const besideLog = (bytes: number) => bytes - Math.min(logRoom, bytes / 2)
    const room = Effect.gen(function* () {
      const { bavail, bsize } = yield* Effect.tryPromise(() => statfs(dirname(filename)))
      return besideLog(Math.min(bounds.maxBytes, (yield* bytes) + bavail * bsize - bounds.minFreeBytes))
    })

    const cutLog = Effect.when(outside(sql`PRAGMA wal_checkpoint(TRUNCATE)`), () => logBytes(filename) > logRoom)

    const thinTo = (limit: number) =>
      Effect.forEach(
        thinningStages,
        (stage, index) =>
          Effect.gen(function* () {
            while ((yield* used) > limit * enough && (yield* write(thinSome(sql, stage, index)))) {
              yield* Effect.sleep("1 millis")
            }
          }),
        { discard: true },
      )

    const keepWithin = Effect.gen(function* () {
      yield* cutLog
      const limit = yield* room
      if ((yield* used) > limit) yield* thinTo(limit)
      const isFull = (yield* used) > besideLog(bounds.maxBytes)
      if (isFull !== (yield* Ref.getAndSet(full, isFull)) && isFull) {
        yield* Effect.logWarning("The spool is full and takes no more samples: raise SPOOL_MAX_BYTES, or let it upload")
      }
    })
    yield* keepWithin.pipe(
      Effect.catchAll((error) => Effect.logDebug("The spool's bounds could not be looked at", error)),
      Effect.repeat(Schedule.spaced(lookEvery)),
      Effect.annotateLogs("module", "spool"),
      Effect.forkScoped,
    )
    return {
      /** Fails when no more samples may be taken. */
      refused: Effect.flatMap(Ref.get(full), (isFull) =>
        isFull
          ? new SpoolError({
              message: "The spool is full: raise SPOOL_MAX_BYTES, or see why nothing is uploaded",
            })
          : Effect.void,
      ),
      keepWithin,
    }
  })
