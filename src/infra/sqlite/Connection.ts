import { existsSync } from "node:fs"
import { SqlClient, type SqlError } from "@effect/sql"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Cause, Context, Effect, Exit, Layer, Option, Scope, String as Str } from "effect"
import { snakeCase } from "../../domain/index.ts"
import { StartupError } from "../process/index.ts"
import { cannotOpen, codeOf, isDamage, SpoolDamaged } from "./Codes.ts"
import { isLogDamaged } from "./DamagedLog.ts"
import { migrate, probes } from "./Migration.ts"

/** SQLite up to 3.51.2 can corrupt a database in WAL mode. Source: sqlite.org/wal.html, "The WAL-Reset Bug". */
const oldestSafeVersion = [3, 51, 3] as const
const synchronousFull = 2
const busyTimeoutMs = 200
/** Pages that SQLite keeps in memory. A backlog is read once: more of them would only be held. */
const cacheKib = 2_000

/** Whether an SQLite of this version keeps a spool whole. */
export const isSafe = (version: string): boolean => {
  const parts = version.split(".").map(Number)
  const differing = oldestSafeVersion.findIndex((part, i) => part !== parts[i])
  return differing === -1 || (parts[differing] ?? 0) > (oldestSafeVersion[differing] ?? 0)
}

const single = <A extends object>(statement: Effect.Effect<ReadonlyArray<A>, SqlError.SqlError>) =>
  Effect.map(statement, ([row]): unknown => Object.values(row ?? {})[0])

/** Unlike the client's own, a transaction whose COMMIT fails is rolled back and fails. */
export const transactionOn =
  (sql: SqlClient.SqlClient) =>
  <A, E>(statements: Effect.Effect<A, E>): Effect.Effect<A, E | SqlError.SqlError> =>
    sql`BEGIN IMMEDIATE`.pipe(
      Effect.zipRight(statements),
      Effect.zipLeft(sql`COMMIT`),
      Effect.onError(() => Effect.ignore(sql`ROLLBACK`)),
      Effect.uninterruptible,
    )

/** A log that was left behind: the last process did not end in order. */
const endedBadly = (filename: string): boolean => existsSync(`${filename}-wal`)

/** Sees that every table is there with its columns, and what a file was left like by a process that ended badly. */
const verify = (sql: SqlClient.SqlClient, unclean: boolean) =>
  Effect.gen(function* () {
    for (const statement of probes) yield* sql.unsafe(statement)
    if ((yield* sql`SELECT waiting FROM state`).length !== 1) return yield* new SpoolDamaged({ reason: "no state" })
    if (!unclean) return
    const found = yield* single(sql`PRAGMA quick_check(1)`)
    if (found !== "ok") return yield* new SpoolDamaged({ reason: String(found) })
    yield* sql`PRAGMA wal_checkpoint(TRUNCATE)`
  })

/**
 * Takes the file for this process alone and sees that a commit is on the disk when it returns. The lock ends with the
 * process, however it ends. `synchronous` is set after WAL and read back after a write, because setting it earlier, or
 * not at all, leaves NORMAL once the first statement has run. The log is never copied into the file behind our back:
 * the failure of a sync would go unseen.
 */
const prepare = (sql: SqlClient.SqlClient, filename: string, unclean: boolean) =>
  Effect.gen(function* () {
    yield* sql.unsafe(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    const version = String(yield* single(sql`SELECT sqlite_version()`))
    if (!isSafe(version)) {
      return yield* new StartupError({
        message: `SQLite ${version} can damage the spool: 3.51.3 is needed. Install this program's own better-sqlite3 again.`,
      })
    }
    yield* sql.unsafe(`PRAGMA cache_size = -${cacheKib}`)
    yield* sql`PRAGMA locking_mode = EXCLUSIVE`
    yield* sql`PRAGMA wal_autocheckpoint = 0`
    const journal = yield* single(sql`PRAGMA journal_mode = WAL`)
    yield* sql`PRAGMA synchronous = FULL`
    const damaged = yield* Effect.try({
      try: () => isLogDamaged(`${filename}-wal`),
      catch: (cause) => cannotOpen(filename, cause),
    })
    if (damaged) return yield* new SpoolDamaged({ reason: "wrong bits in the log" })
    yield* transactionOn(sql)(migrate(sql, filename))
    yield* verify(sql, unclean)
    const synchronous = yield* single(sql`PRAGMA synchronous`)
    if (journal !== "wal" || synchronous !== synchronousFull) {
      return yield* new StartupError({
        message: `The spool ${filename} would not survive a power cut (journal ${String(journal)}, synchronous ${String(synchronous)}): set DATA_DIR to a folder on a local disk.`,
      })
    }
  }).pipe(
    Effect.mapError((error) => {
      if (error._tag !== "SqlError") return error
      const code = codeOf(error.cause)
      return isDamage(code) || code === "SQLITE_ERROR"
        ? new SpoolDamaged({ reason: code })
        : cannotOpen(filename, error.cause)
    }),
    Effect.withSpan("openSpool"),
  )

const isOfDamage = (cause: Cause.Cause<StartupError | SpoolDamaged>): boolean =>
  Option.exists(Cause.failureOption(cause), ({ _tag }) => _tag === "SpoolDamaged")

export interface Connection {
  readonly sql: SqlClient.SqlClient
  readonly close: Effect.Effect<void>
}

/**
 * The only connection to a file. It is not closed with a scope: where the disk has failed it is to be abandoned. What is
 * to be done with a damaged file is done before it is closed: SQLite would copy its log into it, as far as it goes.
 * Where that cannot be done the file is abandoned too.
 */
export const connect = (
  filename: string,
  whenDamaged: (damage: SpoolDamaged) => Effect.Effect<void, StartupError>,
): Effect.Effect<Connection, StartupError | SpoolDamaged> =>
  Effect.gen(function* () {
    const unclean = endedBadly(filename)
    const scope = yield* Scope.make()
    const close = Scope.close(scope, Exit.void)
    const client = SqliteClient.layer({
      filename,
      disableWAL: true,
      transformQueryNames: snakeCase,
      transformResultNames: Str.snakeToCamel,
    })
    return yield* Layer.buildWithScope(client, scope).pipe(
      Effect.catchAllCause((cause) => Effect.fail(cannotOpen(filename, Cause.squash(cause)))),
      Effect.map(Context.get(SqlClient.SqlClient)),
      Effect.tap((sql) => prepare(sql, filename, unclean)),
      Effect.map((sql) => ({ sql, close })),
      Effect.onError((cause) => (isOfDamage(cause) ? Effect.void : close)),
      Effect.tapErrorTag("SpoolDamaged", (damage) => Effect.zipRight(whenDamaged(damage), close)),
    )
  })
