import { Migrator, SqlClient, type SqlError } from "@effect/sql"
import { Effect, Predicate, Schema } from "effect"
import { StartupError } from "../process/index.ts"
import { reasonOf } from "./Failure.ts"
import samples from "./migrations/0001_samples.ts"

const migrations = {
  "0001_samples": samples,
}

const table = "p1_migrations"
/** Any number that no other program on the database locks. */
const lockKey = 7_031_900

const newestKnown = Math.max(...Object.keys(migrations).map((name) => Number.parseInt(name, 10)))
const Newest = Schema.Tuple(Schema.Struct({ id: Schema.Number }))

const failed = (error: unknown): StartupError =>
  new StartupError({
    message: `The database could not be brought up to date (${
      Predicate.isTagged(error, "SqlError") ? reasonOf(error as SqlError.SqlError) : String(error)
    }): its user needs to own the tables and may have to be granted CREATE on the schema.`,
  })

/**
 * Brings the schema up to date in one transaction, under a lock, so that several may start at once. A schema of a
 * newer program is refused.
 */
export const run: Effect.Effect<void, StartupError, SqlClient.SqlClient> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`select pg_advisory_xact_lock(${lockKey})`
  yield* sql`set local client_min_messages = warning`
  yield* sql`create table if not exists ${sql(table)} (
    migration_id integer primary key,
    created_at timestamptz not null default now(),
    name text not null
  )`
  const rows = yield* sql`select coalesce(max(migration_id), 0) as id from ${sql(table)}`
  const [{ id }] = yield* Effect.orDie(Schema.decodeUnknown(Newest)(rows))
  if (id > newestKnown) {
    return yield* new StartupError({
      message: `The database was made by a newer version of this program (its schema is ${id}, this program knows ${newestKnown}): start the newer version, or restore a backup of before.`,
    })
  }
  yield* Migrator.make({})({ loader: Migrator.fromRecord(migrations), table })
}).pipe(
  (migrate) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(migrate)),
  Effect.catchAllDefect((defect) =>
    Predicate.isTagged(defect, "MigrationError") && "cause" in defect
      ? Effect.fail(failed(defect.cause))
      : Effect.die(defect),
  ),
  Effect.catchTags({ SqlError: (error) => failed(error), MigrationError: (error) => failed(error.message) }),
)
