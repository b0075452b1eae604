import { SqlClient, type SqlError } from "@effect/sql"
import { Effect } from "effect"
import { StartupError } from "../process/index.ts"
import { daySums } from "./DaySums.ts"
import { reasonOf } from "./Failure.ts"
import { aggregateCurves, policies, toAggregates, toHypertable } from "./Hypertable.ts"
import { ingestRoutines } from "./IngestRoutines.ts"
import { plainCurves } from "./PlainCurves.ts"
import { curveColumns } from "./PowerCurves.ts"
import { readRoutines } from "./ReadRoutines.ts"
import { recomputeRoutines } from "./RecomputeRoutines.ts"
import { type Routine, upToDate } from "./Routines.ts"
import { probe, type TimescaleUse } from "./Timescale.ts"

/** The two faces of one schema: names and columns are the same. */
export type Face = "timescale" | "plain"

export interface FaceOptions {
  readonly timescale: TimescaleUse
  /** Whether a database with samples in it may be moved, which takes its time. */
  readonly move: boolean
}

const reader = (name: string, body: string): Routine => ({
  name,
  statements: [
    `create or replace function ${name} (of_device text, from_ts timestamptz, to_ts timestamptz)
     returns table (${curveColumns}) language sql stable as $$ ${body} $$`,
  ],
})

const forgetter = (body: string): Routine => ({
  name: "p1_forget_curves",
  statements: [
    `create or replace function p1_forget_curves (of_device text, before_ts timestamptz) returns void
     language plpgsql as $$ ${body} $$`,
  ],
})

const plain: ReadonlyArray<Routine> = [
  {
    name: "p1_power_curves",
    statements: ["drop view if exists p1_power_hours, p1_power_minutes", ...plainCurves.views],
  },
  reader("p1_power_minutes_of", plainCurves.minutes),
  reader("p1_power_hours_of", plainCurves.hours),
  forgetter(plainCurves.forget),
  ...readRoutines,
  ...ingestRoutines(false),
]

const timescale: ReadonlyArray<Routine> = [
  reader("p1_power_minutes_of", aggregateCurves.minutes),
  reader("p1_power_hours_of", aggregateCurves.hours),
  forgetter(aggregateCurves.forget),
  ...readRoutines,
  ...ingestRoutines(true),
]

const execute = (statements: ReadonlyArray<string>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true }),
  )

const isEmpty = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql`select 1 from p1_samples limit 1`, (rows) => rows.length === 0),
)

const hasAggregates = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql`select 1 from timescaledb_information.continuous_aggregates where view_name = 'p1_power_hours'`,
    (rows) => rows.length > 0,
  ),
)

/** What is missing of a database whose samples are in a hypertable, also of one that was restored without all. */
const complete = Effect.gen(function* () {
  if (yield* hasAggregates) return
  yield* execute(["drop materialized view if exists p1_power_minutes", ...toAggregates])
})

/** Moves the tables; nothing is changed where that fails. */
const become = Effect.gen(function* () {
  const empty = yield* isEmpty
  yield* execute(["create extension if not exists timescaledb", ...toHypertable, ...toAggregates])
  if (empty) yield* execute(policies)
})

const notUsable = (why: string): StartupError =>
  new StartupError({
    message: `TimescaleDB is required but cannot be used: ${why}. Correct that, or set TIMESCALE=auto.`,
  })

const choose = ({ move, timescale: use }: FaceOptions) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { hindrance, installed, used } = yield* probe
    if (installed !== null && hindrance !== null && /preload/.test(hindrance)) {
      return yield* new StartupError({
        message: `The database has the TimescaleDB extension, but ${hindrance}: let it, and restart the server.`,
      })
    }
    if (used) {
      yield* complete
      return "timescale" as const
    }
    if (use === "off") return "plain" as const
    const why =
      hindrance ??
      (move || (yield* isEmpty)
        ? yield* become.pipe(
            sql.withTransaction,
            Effect.as(null),
            Effect.catchTag("SqlError", (error) => Effect.succeed(reasonOf(error))),
          )
        : "the database has samples in plain tables, which `p1-api migrate` moves")
    if (why === null) return "timescale" as const
    if (use === "required") return yield* notUsable(why)
    return "plain" as const
  })

/** Decides the face of a database, moves it where it may, and gives the tables their views and functions. */
export const put = (options: FaceOptions): Effect.Effect<Face, SqlError.SqlError | StartupError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const face = yield* choose(options)
    const routines = face === "timescale" ? timescale : plain
    yield* Effect.forEach([...routines, ...recomputeRoutines, daySums], upToDate, { discard: true })
    return face
  })
