import { Array as Arr, Chunk, Effect, Option, Schema, Stream } from "effect"
import type { IdRange, Instant } from "../../domain/index.ts"
import { longestPutOffMs } from "../../domain/ports/index.ts"
import { among } from "./Among.ts"
import { Database } from "./Database.ts"
import { unread } from "./Failure.ts"
import { readRows } from "./ReadRows.ts"
import { columnNames, QuarantineRow } from "./Rows.ts"

const decodeQuarantine = Schema.decodeUnknown(Schema.Array(QuarantineRow))

const pageSize = 1_000

/** All rows of a table in order of id, a page at a time. */
const inPages = <A extends { readonly id: number }, E>(page: (after: number) => Effect.Effect<ReadonlyArray<A>, E>) =>
  Stream.paginateChunkEffect(0, (after) =>
    Effect.map(page(after), (rows) => [Chunk.unsafeFromArray(rows), Option.map(Arr.last(rows), ({ id }) => id)]),
  )

/** How samples get out of the file, never all at once; those that are leaving are passed over. */
export const makePages = (leaving: Effect.Effect<ReadonlyArray<number>>) =>
  Effect.map(Database, ({ read, sql }) => {
    const names = sql.literal(columnNames)
    const samplesWhere = (condition: ReturnType<typeof sql.and>, order: "ASC" | "DESC", limit: number) =>
      leaving.pipe(
        Effect.flatMap(
          (ids) =>
            sql`SELECT id, ${names} FROM sample WHERE ${condition} AND NOT ${among(sql, ids)}
            ORDER BY id ${sql.literal(order)} LIMIT ${limit}`.values,
        ),
        Effect.flatMap(readRows),
        read,
        unread,
      )
    const due = (now: Instant, lent: ReadonlyArray<IdRange>) =>
      sql.and([
        sql`not_before NOT BETWEEN ${now.epochMillis + 1} AND ${now.epochMillis + longestPutOffMs}`,
        ...lent.map(({ first, last }) => sql`id NOT BETWEEN ${first} AND ${last}`),
      ])

    return {
      oldestDue: (limit: number, now: Instant, lent: ReadonlyArray<IdRange>) =>
        samplesWhere(due(now, lent), "ASC", limit),
      newestDue: (limit: number, now: Instant, lent: ReadonlyArray<IdRange>) =>
        Effect.map(samplesWhere(due(now, lent), "DESC", limit), Arr.reverse),
      samples: inPages((after) => samplesWhere(sql.and([sql`id > ${after}`]), "ASC", pageSize)),
      quarantine: inPages((after) =>
        sql`SELECT * FROM quarantine WHERE id > ${after} ORDER BY id LIMIT ${pageSize}`.pipe(
          Effect.flatMap(decodeQuarantine),
          Effect.map(
            Arr.map(({ at, code, id, message, meter, ...sample }) => ({ id, sample, meter, code, message, at })),
          ),
          read,
          unread,
        ),
      ),
    }
  })
