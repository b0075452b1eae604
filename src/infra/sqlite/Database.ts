import { statSync } from "node:fs"
import { mkdir } from "node:fs/promises"
import { dirname } from "node:path"
import { SqlClient, type SqlError } from "@effect/sql"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Context, Effect, Layer, String as Str } from "effect"
import { snakeCase } from "../../domain/index.ts"
import { StartupError } from "../process/index.ts"
import { migrate } from "./Migration.ts"

/** The only connection to the spool's file. Statements and transactions of several fibers never mix. */
export class Database extends Context.Tag("infra/sqlite/Database")<
  Database,
  {
    readonly sql: SqlClient.SqlClient
    /** Runs a statement while no transaction is open. */
    readonly alone: <A, E>(statement: Effect.Effect<A, E>) => Effect.Effect<A, E>
    readonly transaction: <A, E>(statements: Effect.Effect<A, E>) => Effect.Effect<A, E | SqlError.SqlError>
    /** Size of the file and its log. */
    readonly bytes: Effect.Effect<number>
  }
>() {}

/** SQLite up to 3.51.2 can corrupt a database in WAL mode. Source: sqlite.org/wal.html, "The WAL-Reset Bug". */
const oldestSafeVersion = [3, 51, 3] as const
const synchronousFull = 2
const busyTimeoutMs = 200

const isSafe = (version: string): boolean => {
  const parts = version.split(".").map(Number)
  const differing = oldestSafeVersion.findIndex((part, i) => part !== parts[i])
  return differing === -1 || (parts[differing] ?? 0) > (oldestSafeVersion[differing] ?? 0)
}

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : String(cause)

const cannotOpen = (filename: string, cause: unknown): StartupError => {
  const code = codeOf(cause)
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) {
    return new StartupError({
      message: `The spool ${filename} is in use by another process: stop that one, or set DATA_DIR to another folder.`,
    })
  }
  if (code.startsWith("SQLITE_NOTADB") || code.startsWith("SQLITE_CORRUPT")) {
    return new StartupError({
      message: `The spool ${filename} is damaged or no spool (${code}): move it aside and start again.`,
    })
  }
  return new StartupError({
    message: `The spool ${filename} cannot be opened (${code}): see that its folder exists, may be written by this user and has space.`,
  })
}

const single = <A extends object>(statement: Effect.Effect<ReadonlyArray<A>, SqlError.SqlError>) =>
  Effect.map(statement, ([row]): unknown => Object.values(row ?? {})[0])

/**
 * Takes the file for this process alone and sees that a commit is on the disk when it returns. The lock ends with the
 * process, however it ends. `synchronous` is set after WAL and read back after a write, because setting it earlier, or
 * not at all, leaves NORMAL once the first statement has run.
 */
const prepare = (sql: SqlClient.SqlClient, filename: string) =>
  Effect.gen(function* () {
    yield* sql.unsafe(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    const version = String(yield* single(sql`SELECT sqlite_version()`))
    if (!isSafe(version)) {
      return yield* new StartupError({
        message: `SQLite ${version} can damage the spool: 3.51.3 is needed. Install this program's own better-sqlite3 again.`,
      })
    }
    yield* sql`PRAGMA locking_mode = EXCLUSIVE`
    const journal = yield* single(sql`PRAGMA journal_mode = WAL`)
    yield* sql`PRAGMA synchronous = FULL`
    yield* transactionOn(sql)(migrate(sql, filename))
    const synchronous = yield* single(sql`PRAGMA synchronous`)
    if (journal !== "wal" || synchronous !== synchronousFull) {
      return yield* new StartupError({
        message: `The spool ${filename} would not survive a power cut (journal ${String(journal)}, synchronous ${String(synchronous)}): set DATA_DIR to a folder on a local disk.`,
      })
    }
  }).pipe(
    Effect.mapError((error) => (error instanceof StartupError ? error : cannotOpen(filename, error.cause))),
    Effect.withSpan("openSpool"),
  )

const sizeOf = (filename: string): number => statSync(filename, { throwIfNoEntry: false })?.size ?? 0

/** Unlike the client's own, a transaction whose COMMIT fails is rolled back and fails. */
const transactionOn =
  (sql: SqlClient.SqlClient) =>
  <A, E>(statements: Effect.Effect<A, E>): Effect.Effect<A, E | SqlError.SqlError> =>
    sql`BEGIN IMMEDIATE`.pipe(
      Effect.zipRight(statements),
      Effect.zipLeft(sql`COMMIT`),
      Effect.onError(() => Effect.ignore(sql`ROLLBACK`)),
      Effect.uninterruptible,
    )

export const layer = ({ filename }: { readonly filename: string }): Layer.Layer<Database, StartupError> => {
  const folder = Layer.effectDiscard(
    Effect.tryPromise({
      try: () => mkdir(dirname(filename), { recursive: true }),
      catch: (cause) => cannotOpen(filename, cause),
    }),
  )
  const client = SqliteClient.layer({
    filename,
    disableWAL: true,
    transformQueryNames: snakeCase,
    transformResultNames: Str.snakeToCamel,
  }).pipe(Layer.catchAllCause((cause) => Layer.fail(cannotOpen(filename, cause))))
  return Layer.effect(
    Database,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* prepare(sql, filename)
      const alone = (yield* Effect.makeSemaphore(1)).withPermits(1)
      return Database.of({
        sql,
        alone,
        transaction: (statements) => alone(transactionOn(sql)(statements)),
        bytes: Effect.sync(() => sizeOf(filename) + sizeOf(`${filename}-wal`)),
      })
    }),
  ).pipe(Layer.provide(client), Layer.provide(folder))
}
