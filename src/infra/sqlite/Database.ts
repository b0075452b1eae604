import { statSync, writeFileSync } from "node:fs"
import { mkdir, open } from "node:fs/promises"
import { basename, dirname } from "node:path"
import { type SqlClient, SqlError } from "@effect/sql"
import { Context, Deferred, Effect, Layer, Option } from "effect"
import { SpoolBroken } from "../../domain/ports/index.ts"
import type { StartupError } from "../process/index.ts"
import { cannotOpen, codeOfError, isDamage, isDiskFailure } from "./Codes.ts"
import { makeCommitTimes } from "./CommitTimes.ts"
import { transactionOn } from "./Connection.ts"
import { inherit } from "./Inherit.ts"
import { damageMark, openSpool, setAsideFiles } from "./SetAside.ts"

/** The only connection to the spool's file. Statements and transactions of several fibers never mix. */
export class Database extends Context.Tag("infra/sqlite/Database")<
  Database,
  {
    readonly filename: string
    readonly sql: SqlClient.SqlClient
    /** Runs a statement that reads, while no transaction is open. */
    readonly read: <A, E>(statement: Effect.Effect<A, E>) => Effect.Effect<A, E | SqlError.SqlError>
    /** Runs statements as one transaction; returns when it is on the disk. */
    readonly write: <A, E>(statements: Effect.Effect<A, E>) => Effect.Effect<A, E | SqlError.SqlError>
    /** Runs what no transaction can hold, such as VACUUM. */
    readonly outside: <A, E>(statement: Effect.Effect<A, E>) => Effect.Effect<A, E | SqlError.SqlError>
    /** Size of the file and its log. */
    readonly bytes: Effect.Effect<number>
    /** How long 99 of 100 commits took at most, ms; none before the first. */
    readonly commitP99Ms: Effect.Effect<Option.Option<number>>
    readonly broken: Effect.Effect<never, SpoolBroken>
  }
>() {}

/** The log is copied into the file when it holds as many pages. */
const logPages = 1_000

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
export const logBytes = (filename: string): number => sizeOf(`${filename}-wal`)

const broke = (filename: string, code: string, cause: unknown): SpoolBroken =>
  new SpoolBroken({
    message: isDamage(code)
      ? `The spool ${filename} is damaged (${code}): this program ends, and when it starts again sets the file aside and reads out of it what can be read.`
      : `The disk failed under the spool ${filename} (${code}): this program ends and starts clean, nothing counts as taken that was not on the disk. Replace the disk if this repeats.`,
    cause,
  })

/** A damaged file whose heir does not know of it yet, also when the power went in between. */
const inheritAll = (sql: SqlClient.SqlClient, filename: string) =>
  Effect.forEach(
    setAsideFiles(filename),
    (path) =>
      Effect.gen(function* () {
        const known = yield* sql`SELECT 1 FROM salvage WHERE file = ${basename(path)}`
        if (known.length === 0) yield* inherit(sql, path)
      }).pipe(transactionOn(sql)),
    { discard: true },
  )

/** That the file is there is on the disk as well, and that its first journal is gone. */
const syncFolder = (filename: string) =>
  Effect.tryPromise({
    try: async () => {
      const folder = await open(dirname(filename))
      await folder.sync().finally(() => folder.close())
    },
    catch: (cause) => cannotOpen(filename, cause),
  })

const abandoned = new SqlError.SqlError({ cause: new Error("the disk has failed"), message: "abandoned" })

const make = (filename: string) =>
  Effect.gen(function* () {
    const broken = yield* Deferred.make<never, SpoolBroken>()
    const commits = yield* makeCommitTimes
    const isBroken = Deferred.isDone(broken)
    const { sql } = yield* Effect.acquireRelease(openSpool(filename), ({ close }) =>
      Effect.flatMap(isBroken, (done) => (done ? Effect.void : close)),
    )
    yield* syncFolder(filename)
    yield* inheritAll(sql, filename).pipe(Effect.mapError(({ cause }) => cannotOpen(filename, cause)))
    const one = (yield* Effect.makeSemaphore(1)).withPermits(1)

    /** What failed once is not asked again: the second answer could be a lie. */
    const watched = <A, E>(statements: Effect.Effect<A, E>): Effect.Effect<A, E | SqlError.SqlError> =>
      Effect.if(isBroken, { onTrue: () => abandoned, onFalse: () => statements }).pipe(
        Effect.tapError((error) => {
          const code = codeOfError(error)
          if (!isDamage(code) && !isDiskFailure(code)) return Effect.void
          if (isDamage(code)) writeFileSync(damageMark(filename), "")
          return Deferred.fail(broken, broke(filename, code, error))
        }),
      )

    const copyLog = Effect.gen(function* () {
      const [log] = yield* sql<{ readonly log: number; readonly checkpointed: number }>`PRAGMA wal_checkpoint(NOOP)`
      const { checkpointed, log: pages } = Option.getOrElse(Option.fromNullable(log), () => ({
        checkpointed: 0,
        log: 0,
      }))
      if (pages - checkpointed >= logPages) yield* sql`PRAGMA wal_checkpoint(PASSIVE)`
    })
    return Database.of({
      filename,
      sql,
      read: (statement) => one(watched(statement)),
      write: (statements) =>
        one(
          watched(commits.timed(transactionOn(sql)(statements))).pipe(Effect.zipLeft(Effect.ignore(watched(copyLog)))),
        ),
      outside: (statement) => one(watched(statement)),
      bytes: Effect.sync(() => sizeOf(filename) + logBytes(filename)),
      commitP99Ms: commits.p99Ms,
      broken: Deferred.await(broken),
    })
  })

export const layer = ({ filename }: { readonly filename: string }): Layer.Layer<Database, StartupError> =>
  Layer.scoped(
    Database,
    Effect.tryPromise({
      try: () => mkdir(dirname(filename), { recursive: true }),
      catch: (cause) => cannotOpen(filename, cause),
    }).pipe(Effect.zipRight(make(filename))),
  )
