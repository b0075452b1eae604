import { SqlClient, type SqlError } from "@effect/sql"
import { Effect, Schema } from "effect"
import { StartupError } from "../process/index.ts"
import * as Face from "./Face.ts"
import { reasonOf } from "./Failure.ts"
import { fillAggregates } from "./Refresh.ts"
import samples from "./migrations/0001_samples.ts"
import store from "./migrations/0002_store.ts"
import numbers from "./migrations/0003_numbers.ts"
import access from "./migrations/0004_access.ts"
import days from "./migrations/0005_days.ts"
import appended from "./migrations/0006_appended.ts"
import revisions from "./migrations/0007_revisions.ts"

const migrations: Readonly<Record<string, Effect.Effect<void, SqlError.SqlError, SqlClient.SqlClient>>> = {
  "0001_samples": samples,
  "0002_store": store,
  "0003_numbers": numbers,
  "0004_access": access,
  "0005_days": days,
  "0006_appended": appended,
  "0007_revisions": revisions,
}

/** Any number that no other program on the database locks. */
const lockKey = 7_031_900

const numbered = Object.entries(migrations)
  .map(([key, migration]) => ({ id: Number.parseInt(key, 10), name: key.slice(key.indexOf("_") + 1), migration }))
  .sort((a, b) => a.id - b.id)
const newestKnown = Math.max(...numbered.map(({ id }) => id))

const decodeApplied = Schema.decodeUnknown(Schema.Array(Schema.Struct({ id: Schema.Number })))

const failed = (error: SqlError.SqlError): StartupError =>
  new StartupError({
    message: `The database could not be brought up to date (${reasonOf(error)}): its user needs to own the tables and may have to be granted CREATE on the schema.`,
  })

/** The migrations that the database has not seen, whichever those are; one that this program does not know is refused. */
const missing = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`select migration_id as id from p1_migrations order by 1`
  const applied = (yield* Effect.orDie(decodeApplied(rows))).map(({ id }) => id)
  const unknown = applied.find((id) => !numbered.some((known) => known.id === id))
  if (unknown !== undefined) {
    return yield* new StartupError({
      message: `The database was made by a newer version of this program (its schema has migration ${unknown}, this program knows up to ${newestKnown}): start the newer version, or restore a backup of before.`,
    })
  }
  return numbered.filter(({ id }) => !applied.includes(id))
})

/** Asked rather than tried: a role that may not make tables works with a database that is up to date. */
const isBegun = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql`select 1 where to_regclass('p1_migrations') is not null`, (rows) => rows.length > 0),
)

const inOneTransaction = (options: Face.FaceOptions) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`select pg_advisory_xact_lock(${lockKey})`
    yield* sql`set local client_min_messages = warning`
    yield* Effect.unlessEffect(
      sql`create table p1_migrations (
        migration_id integer primary key,
        created_at timestamptz not null default now(),
        name text not null
      )`,
      isBegun,
    )
    yield* Effect.forEach(
      yield* missing,
      ({ id, migration, name }) =>
        Effect.zipRight(migration, sql`insert into p1_migrations (migration_id, name) values (${id}, ${name})`),
      { discard: true },
    )
    return yield* Face.put(options)
  }).pipe((migrate) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(migrate)))

/**
 * Brings the schema up to date in one transaction, under a lock, so that several may start at once. A schema of a
 * newer program is refused. Needs a client with one connection.
 */
export const run = (options: Face.FaceOptions): Effect.Effect<Face.Face, StartupError, SqlClient.SqlClient> =>
  Effect.tap(inOneTransaction(options), (face) => (face === "timescale" ? fillAggregates : Effect.void)).pipe(
    Effect.catchTag("SqlError", (error) => failed(error)),
  )
