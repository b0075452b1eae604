import { basename } from "node:path"
import type { SqlClient } from "@effect/sql"
import { Clock, Effect, Option, Schema, String as Str } from "effect"
import { earliestMs } from "../../domain/index.ts"
import { type DamagedFile, openDamaged } from "./DamagedFile.ts"
import { QuarantineRow, Row, StateRow } from "./Rows.ts"
import { count, uncounted } from "./Standing.ts"

const fromRaw = (raw: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(raw).map(([name, value]) => [Str.snakeToCamel(name), value]))

/** What a row of a damaged file says, as it is written again; null when it says nothing that could have been taken. */
const rewritten =
  <A, I>(schema: Schema.Schema<A, I>) =>
  (raw: Readonly<Record<string, unknown>>): I | null =>
    Schema.decodeUnknownOption(schema)(fromRaw(raw)).pipe(Option.flatMap(Schema.encodeOption(schema)), Option.getOrNull)

export const sampleOf = rewritten(Row)
const quarantinedOf = rewritten(QuarantineRow)
const stateOf = rewritten(StateRow)
const rememberedOf = rewritten(Schema.Struct({ key: Schema.String, value: Schema.String }))

const present = <A>(values: ReadonlyArray<A | null>): ReadonlyArray<A> => values.filter((value) => value !== null)

/** Ids of a file that took over from another begin here or later: beyond any count of samples. */
const firstInherited = earliestMs
/** A larger id is damage. */
const mostId = 1e15

const idsIn = (rows: ReadonlyArray<Readonly<Record<string, unknown>>>, name: string): ReadonlyArray<number> =>
  rows.map((row) => row[name]).filter((id): id is number => typeof id === "number" && id < mostId)

/** An id beyond all in the file, also of one that took over itself, also where nobody has set this machine's clock. */
const beyond = (file: DamagedFile): Effect.Effect<number> =>
  Effect.map(Clock.currentTimeMillis, (nowMs) =>
    Math.max(
      firstInherited,
      nowMs,
      ...idsIn(file.rows("standing"), "last_id"),
      ...idsIn(file.rows("state"), "last_id").map((id) => id + uncounted),
      ...idsIn(file.rows("sqlite_sequence"), "seq"),
    ),
  )

/** Of the shortest samples no more fit into a page of 4 KiB. */
const mostInPage = 100

/**
 * So many samples waited: those that `state` knew of, and all later ids, of which none had left. Where an older `state`
 * took the place of a lost one the ids may have leapt since, to those of an heir: then what is there is counted.
 */
const expectedIn = (file: DamagedFile): number | null => {
  const [state] = present(file.rows("state").map(stateOf))
  const [known = 0] = idsIn(file.rows("state"), "last_id")
  const [last = 0] = idsIn(file.rows("(SELECT max(id) AS last_id FROM sample)"), "last_id")
  const [pages = 0] = idsIn(file.rows("pragma_page_count"), "page_count")
  const [counted = 0] = idsIn(file.rows(`(SELECT count(*) AS later FROM sample WHERE id > ${known})`), "later")
  const later = Math.max(0, last - known)
  return state === undefined ? null : state.waiting + (later > pages * mostInPage ? counted : later)
}

/**
 * What a new spool takes over at once from a damaged file: what was taken last, what the edge remembers, the
 * quarantine.
 */
const inheritFrom = (sql: SqlClient.SqlClient, file: DamagedFile, path: string) =>
  Effect.gen(function* () {
    const last = yield* beyond(file)
    const [state = null] = present([...file.rows("standing"), ...file.rows("state")].map(stateOf))
    yield* sql`INSERT INTO salvage ${sql.insert({ file: basename(path), expected: expectedIn(file) })}`
    yield* sql.unsafe(count)
    yield* sql`UPDATE state SET last_id = max(last_id, ${last})`
    if (state !== null) {
      yield* sql`UPDATE state SET last_ts = ${state.lastTs}, last_meter_stamp = ${state.lastMeterStamp},
        last_meter = ${state.lastMeter} WHERE last_ts IS NULL`
    }
    for (const row of present(file.rows("edge_state").map(rememberedOf))) {
      yield* sql`INSERT OR IGNORE INTO edge_state ${sql.insert(row)}`
    }
    for (const row of present(file.rows("quarantine").map(quarantinedOf))) {
      yield* sql`INSERT OR IGNORE INTO quarantine ${sql.insert(row)}`
    }
  })

export const inherit = (sql: SqlClient.SqlClient, path: string) =>
  Effect.scoped(Effect.flatMap(openDamaged(path), (file) => inheritFrom(sql, file, path)))
