import { PgClient } from "@effect/sql-pg"
import type { SqlClient, SqlError } from "@effect/sql"
import { Duration, Effect, Layer, Redacted, Schedule } from "effect"
import pg from "pg"
import { StartupError } from "../process/index.ts"
import { acquire } from "./Pool.ts"
import { isUnavailable, reasonOf } from "./Failure.ts"

export interface Options {
  /** `postgres://user:password@host:port/database`, with the options of libpq. */
  readonly url: Redacted.Redacted
  readonly maxConnections?: number | undefined
  /** A statement that takes longer is given up; "Infinity" for none. */
  readonly statementTimeout?: Duration.DurationInput | undefined
  /** How long a start waits for a server that is not there yet. */
  readonly patience?: Duration.DurationInput | undefined
}

const applicationName = "p1-energy"
const connectTimeout = "2 seconds"
const defaultStatementTimeout = "15 seconds"
/** What the driver waits beyond the server's own limit, before it takes the connection for dead. */
const answerTimeoutMs = 2_000

const int8 = 20

/** Eight-byte integers are numbers: none here comes near 2^53. */
const types: NonNullable<PgClient.PgClientConfig["types"]> = {
  getTypeParser: (oid, format) => (oid === int8 ? Number : pg.types.getTypeParser(oid, format ?? "text")) as never,
}

/** Statements here are short and many: compiling one takes longer than running it. */
const sessionOptions = "-c jit=off"

const withOptions = (url: URL, limit: Duration.Duration): Redacted.Redacted => {
  const address = new URL(url)
  const given = address.searchParams.get("options")
  address.searchParams.set("options", given === null ? sessionOptions : `${sessionOptions} ${given}`)
  if (Duration.isFinite(limit)) {
    const limitMs = Duration.toMillis(limit)
    address.searchParams.set("statement_timeout", String(limitMs))
    address.searchParams.set("idle_in_transaction_session_timeout", String(limitMs))
    address.searchParams.set("query_timeout", String(limitMs + answerTimeoutMs))
  }
  return Redacted.make(address.href)
}

const cannotConnect = (url: URL, error: SqlError.SqlError): StartupError =>
  new StartupError({
    message: `PostgreSQL at ${url.host}${url.pathname} cannot be used (${reasonOf(error)}): start it, or correct its address.`,
  })

/** A pool of connections. Waits for a server that starts, fails with a sentence when it cannot be used. */
export const layer = (options: Options): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, StartupError> =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const text = Redacted.value(options.url)
      if (!URL.canParse(text)) {
        return yield* new StartupError({
          message: "The database's address is not of the form postgres://user:password@host:port/database.",
        })
      }
      const url = new URL(text)
      const limited = withOptions(url, Duration.decode(options.statementTimeout ?? defaultStatementTimeout))
      const pool = {
        connectionString: Redacted.value(limited),
        max: options.maxConnections ?? 10,
        idleTimeoutMillis: 30_000,
        application_name: applicationName,
        types,
      }
      const connect = PgClient.layerFromPool({ acquire: acquire(pool, connectTimeout), types })
      const retry = Schedule.spaced("500 millis").pipe(
        Schedule.upTo(options.patience ?? "20 seconds"),
        Schedule.whileInput((error: SqlError.SqlError) => mayComeUp(error)),
      )
      return Layer.retry(connect, retry).pipe(
        Layer.catchAll((error) =>
          error._tag === "SqlError" ? Layer.fail(cannotConnect(url, error)) : Layer.die(error),
        ),
      )
    }),
  )

const mayComeUp = (error: SqlError.SqlError): boolean =>
  isUnavailable(error) && !/password|role|does not exist/.test(reasonOf(error))
