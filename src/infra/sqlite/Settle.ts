import { DateTime, Effect, Schema } from "effect"
import { type Instant, steadyNow } from "../../domain/index.ts"
import { longestPutOffMs, quarantineLimit, type Verdict } from "../../domain/ports/index.ts"
import { among } from "./Among.ts"
import type { Database } from "./Database.ts"
import { columnNames } from "./Rows.ts"

type Sql = (typeof Database.Service)["sql"]

const decodeCount = Schema.decodeUnknown(Schema.Tuple(Schema.Struct({ count: Schema.Number })))

export const quarantined = (sql: Sql) =>
  sql`SELECT count(*) AS count FROM quarantine`.pipe(
    Effect.flatMap(decodeCount),
    Effect.map(([{ count }]) => count),
  )

/** Lets samples leave; to be run in a transaction. */
export const remove = (sql: Sql, ids: ReadonlyArray<number>) => sql`DELETE FROM sample WHERE ${among(sql, ids)}`

/** Carries out verdicts; to be run in a transaction. */
export const settle = (sql: Sql, verdicts: ReadonlyArray<Verdict>) =>
  Effect.gen(function* () {
    const names = sql.literal(columnNames)
    const now = yield* DateTime.now
    const whenFull = (yield* steadyNow).epochMillis + longestPutOffMs
    const refused = verdicts.filter((verdict) => verdict._tag === "Quarantined")
    const room = refused.length === 0 ? 0 : quarantineLimit - (yield* quarantined(sql))
    const staying = [
      ...refused.slice(Math.max(room, 0)).map(({ id }) => ({ id, until: whenFull })),
      ...verdicts.flatMap((verdict) =>
        verdict._tag === "Postponed" ? [{ id: verdict.id, until: verdict.until.epochMillis }] : [],
      ),
    ]
    const moving = refused.slice(0, Math.max(room, 0))
    const leaving = [...moving, ...verdicts.filter((verdict) => verdict._tag === "Stored")].map(({ id }) => id)
    if (staying.length > 0) {
      yield* sql`UPDATE sample SET not_before = verdict.value ->> 'until'
        FROM json_each(${JSON.stringify(staying)}) AS verdict WHERE sample.id = verdict.value ->> 'id'`
    }
    if (moving.length > 0) {
      yield* sql`INSERT INTO quarantine (id, code, message, at, ${names})
        SELECT sample.id, verdict.value ->> 'code', verdict.value ->> 'message', ${now.epochMillis}, ${names}
        FROM json_each(${JSON.stringify(moving)}) AS verdict
        CROSS JOIN sample ON sample.id = verdict.value ->> 'id'`
    }
    yield* remove(sql, leaving)
  })

/** Moves samples in time, but none that are leaving; to be run in a transaction. */
export const retime = (sql: Sql, leaving: ReadonlyArray<number>, after: Instant, before: Instant, byMs: number) =>
  sql`UPDATE sample SET ts = ts + ${byMs}, ts_source = 'elapsed', meter = NULL
    WHERE ts > ${after.epochMillis} AND ts < ${before.epochMillis} AND NOT ${among(sql, leaving)} RETURNING 1 AS count`.pipe(
    Effect.map((rows) => rows.length),
  )

/** Brings quarantined rows back under their old ids; to be run in a transaction. */
export const retry = (sql: Sql, ids: ReadonlyArray<number> | "all") =>
  Effect.gen(function* () {
    const names = sql.literal(columnNames)
    const chosen = ids === "all" ? sql`TRUE` : among(sql, ids)
    const before = yield* quarantined(sql)
    yield* sql`INSERT INTO sample (id, ${names}) SELECT id, ${names} FROM quarantine WHERE ${chosen}`
    yield* sql`DELETE FROM quarantine WHERE ${chosen}`
    return before - (yield* quarantined(sql))
  })
