import { Array as Arr, Chunk, Effect, Layer, Option, Schema, Stream } from "effect"
import { type IdRange, type Instant, makeLending } from "../../domain/index.ts"
import { EdgeState, Spool } from "../../domain/ports/index.ts"
import type { StartupError } from "../process/index.ts"
import * as Database from "./Database.ts"
import * as State from "./EdgeState.ts"
import { unread, unwritten } from "./Failure.ts"
import { columnNames, NewRow, QuarantineRow, Row, StateRow } from "./Rows.ts"
import { quarantined, retry, settle } from "./Settle.ts"

const encodeRow = Schema.encode(NewRow)
const decodeRows = Schema.decodeUnknown(Schema.Array(Row))
const decodeQuarantine = Schema.decodeUnknown(Schema.Array(QuarantineRow))
const decodeState = Schema.decodeUnknown(Schema.Tuple(StateRow))
const decodeOldest = Schema.decodeUnknown(Schema.Array(Schema.Struct({ ts: Schema.DateTimeUtcFromNumber })))

const pageSize = 1_000

const spooled = ({ id, meter, ...sample }: typeof Row.Type) => ({ id, sample, meter })

/** All rows of a table in order of id, a page at a time. */
const inPages = <A extends { readonly id: number }, E>(page: (after: number) => Effect.Effect<ReadonlyArray<A>, E>) =>
  Stream.paginateChunkEffect(0, (after) =>
    Effect.map(page(after), (rows) => [Chunk.unsafeFromArray(rows), Option.map(Arr.last(rows), ({ id }) => id)]),
  )

const make = Effect.gen(function* () {
  const { alone, bytes, sql, transaction } = yield* Database.Database
  const lend = yield* makeLending
  const names = sql.literal(columnNames)
  const state = sql`SELECT * FROM state`.pipe(
    alone,
    Effect.flatMap(decodeState),
    Effect.map(([row]) => row),
    unread,
  )
  const due = (now: Instant, lent: ReadonlyArray<IdRange>) =>
    sql.and([
      sql`not_before <= ${now.epochMillis}`,
      ...lent.map(({ first, last }) => sql`id NOT BETWEEN ${first} AND ${last}`),
    ])

  return Spool.of({
    append: (sample, meter) =>
      encodeRow({ ...sample, meter }).pipe(
        Effect.flatMap((row) => alone(sql`INSERT INTO sample ${sql.insert(row)}`)),
        Effect.asVoid,
        unwritten,
      ),

    oldest: (limit, now) =>
      lend((lent) =>
        sql`SELECT id, ${names} FROM sample WHERE ${due(now, lent)} ORDER BY id LIMIT ${limit}`.pipe(
          alone,
          Effect.flatMap(decodeRows),
          Effect.map(Arr.map(spooled)),
          unread,
        ),
      ),

    newest: (limit, now) =>
      lend((lent) =>
        sql`SELECT id, ${names} FROM sample WHERE ${due(now, lent)} ORDER BY id DESC LIMIT ${limit}`.pipe(
          alone,
          Effect.flatMap(decodeRows),
          Effect.map((rows) => Arr.reverse(rows).map(spooled)),
          unread,
        ),
      ),

    settle: (verdicts) => settle(sql, verdicts).pipe(transaction, unwritten),

    samples: inPages((after) =>
      sql`SELECT id, ${names} FROM sample WHERE id > ${after} ORDER BY id LIMIT ${pageSize}`.pipe(
        alone,
        Effect.flatMap(decodeRows),
        Effect.map(Arr.map(spooled)),
        unread,
      ),
    ),

    quarantine: inPages((after) =>
      sql`SELECT * FROM quarantine WHERE id > ${after} ORDER BY id LIMIT ${pageSize}`.pipe(
        alone,
        Effect.flatMap(decodeQuarantine),
        Effect.map(Arr.map(({ at, code, message, ...row }) => ({ ...spooled(row), code, message, at }))),
        unread,
      ),
    ),

    retry: (ids) => retry(sql, ids).pipe(transaction, unwritten),

    lastTaken: Effect.map(state, ({ lastMeterStamp, lastTs }) =>
      Option.map(Option.fromNullable(lastTs), (ts) => ({ ts, meterStamp: lastMeterStamp })),
    ),

    lastMeter: Effect.map(state, ({ lastMeter }) => Option.fromNullable(lastMeter)),

    status: Effect.gen(function* () {
      const { waiting } = yield* state
      const [oldest] = yield* sql`SELECT ts FROM sample ORDER BY id LIMIT 1`.pipe(
        alone,
        Effect.flatMap(decodeOldest),
        unread,
      )
      return {
        waiting,
        oldestTs: Option.map(Option.fromNullable(oldest), ({ ts }) => ts),
        quarantined: yield* quarantined(sql).pipe(alone, unread),
        thinned: { toTenSeconds: 0, toOneMinute: 0, withoutRegisters: 0 },
        salvaged: 0,
        lost: 0,
        bytes: yield* bytes,
      }
    }),

    check: sql`UPDATE state SET waiting = waiting`.pipe(alone, Effect.asVoid, unwritten),

    broken: Effect.never,
  })
})

/**
 * A spool in a file that this process alone may open, and in the same file what the edge remembers; `append` returns
 * when the sample is on the disk.
 */
export const layer = (options: { readonly filename: string }): Layer.Layer<Spool | EdgeState, StartupError> =>
  Layer.merge(Layer.effect(Spool, make), Layer.effect(EdgeState, State.make)).pipe(
    Layer.provide(Database.layer(options)),
  )
