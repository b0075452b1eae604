import { Array as Arr, DateTime, Effect, Layer, Option, Schema } from "effect"
import { EdgeState, Spool } from "../../domain/ports/index.ts"
import type { StartupError } from "../process/index.ts"
import * as Database from "./Database.ts"
import * as State from "./EdgeState.ts"
import { unread, unwritten } from "./Failure.ts"
import { columnNames, NewRow, Row, StateRow } from "./Rows.ts"

const encodeRow = Schema.encode(NewRow)
const decodeRows = Schema.decodeUnknown(Schema.Array(Row))
const decodeState = Schema.decodeUnknown(Schema.Tuple(StateRow))
const decodeCount = Schema.decodeUnknown(Schema.Tuple(Schema.Struct({ count: Schema.Number })))
const decodeOldest = Schema.decodeUnknown(Schema.Array(Schema.Struct({ ts: Schema.DateTimeUtcFromNumber })))

const make = Effect.gen(function* () {
  const { alone, sql, transaction } = yield* Database.Database
  const names = sql.literal(columnNames)
  const state = sql`SELECT * FROM state`.pipe(
    alone,
    Effect.flatMap(decodeState),
    Effect.map(([row]) => row),
    unread,
  )

  return Spool.of({
    append: (sample, meter) =>
      encodeRow({ ...sample, meter }).pipe(
        Effect.flatMap((row) => alone(sql`INSERT INTO sample ${sql.insert(row)}`)),
        Effect.asVoid,
        unwritten,
      ),

    oldest: (limit, now) =>
      sql`SELECT id, ${names} FROM sample WHERE not_before <= ${now.epochMillis} ORDER BY id LIMIT ${limit}`.pipe(
        alone,
        Effect.flatMap(decodeRows),
        Effect.map(Arr.map(({ id, meter, ...sample }) => ({ id, sample, meter }))),
        unread,
      ),

    settle: (verdicts) =>
      Effect.gen(function* () {
        const postponed = verdicts.filter((verdict) => verdict._tag === "Postponed")
        const quarantined = verdicts.filter((verdict) => verdict._tag === "Quarantined")
        const leaving = verdicts.filter((verdict) => verdict._tag !== "Postponed").map(({ id }) => id)
        const { epochMillis: at } = yield* DateTime.now
        const until = JSON.stringify(postponed.map(({ id, until }) => ({ id, until: until.epochMillis })))
        yield* Effect.gen(function* () {
          yield* sql`UPDATE sample SET not_before = verdict.value ->> 'until'
            FROM json_each(${until}) AS verdict WHERE sample.id = verdict.value ->> 'id'`
          yield* sql`INSERT INTO quarantine (id, code, message, at, ${names})
            SELECT sample.id, verdict.value ->> 'code', verdict.value ->> 'message', ${at}, ${names}
            FROM json_each(${JSON.stringify(quarantined)}) AS verdict
            CROSS JOIN sample ON sample.id = verdict.value ->> 'id'`
          yield* sql`DELETE FROM sample WHERE id IN (SELECT value FROM json_each(${JSON.stringify(leaving)}))`
        }).pipe(transaction)
      }).pipe(unwritten),

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
      const [{ count }] = yield* sql`SELECT count(*) AS count FROM quarantine`.pipe(
        alone,
        Effect.flatMap(decodeCount),
        unread,
      )
      return { waiting, oldestTs: Option.map(Option.fromNullable(oldest), ({ ts }) => ts), quarantined: count }
    }),
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
