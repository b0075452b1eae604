import type { SqlError } from "@effect/sql"
import { Cause, Effect, Option, Predicate, Schedule } from "effect"
import { StoreUnavailable } from "../../domain/ports/index.ts"

const causeOf = (error: SqlError.SqlError): unknown => error.cause

const codeOf = (error: SqlError.SqlError): string => {
  const cause = causeOf(error)
  return Predicate.hasProperty(cause, "code") ? String(cause.code) : ""
}

const textOf = (error: SqlError.SqlError): string => {
  const cause = causeOf(error)
  return cause instanceof Error ? cause.message : String(cause)
}

/** What went wrong in a few words, without the statement. */
export const reasonOf = (error: SqlError.SqlError): string => textOf(error) || codeOf(error)

/** Transactions that got in each other's way: 40001 serialization failure, 40P01 deadlock. */
const collided = (error: SqlError.SqlError): boolean => ["40001", "40P01"].includes(codeOf(error))

/** Somebody else is at it and the statement does not wait: 55P03. */
export const isBusy = (error: SqlError.SqlError): boolean => codeOf(error) === "55P03"

const noConnection =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST\w+|ENET\w+|08\w{3}|28\w{3}|53\w{3}|57P0\d|57014|55P03|58\w{3}|25006|3D000)$/
const withoutCode = /connect|terminat|timeout|time out|timed out|not queryable|Client was closed/i

/**
 * Whether the server is away, closing, starting, full or too slow, so that the same may succeed later: the system's
 * network errors, SQLSTATE classes 08, 28, 53, 58 and a few single ones, and what the driver says without a code.
 */
export const isUnavailable = (error: SqlError.SqlError): boolean => {
  const code = codeOf(error)
  return collided(error) || (code === "" ? withoutCode.test(textOf(error)) : noConnection.test(code))
}

const isSqlError = (defect: unknown): defect is SqlError.SqlError => Predicate.isTagged(defect, "SqlError")

/** A transaction whose COMMIT or ROLLBACK finds no server dies of it: here that is an error again. */
const recoverTransaction = <A, R>(effect: Effect.Effect<A, SqlError.SqlError, R>) =>
  Effect.catchSomeCause(effect, (cause) =>
    Option.map(
      Option.filter(
        Cause.find(cause, (part) => (Cause.isDieType(part) ? Option.some(part.defect) : Option.none())),
        isSqlError,
      ),
      (error) => Effect.fail(error),
    ),
  )

const again = Schedule.exponential("10 millis").pipe(Schedule.jittered, Schedule.intersect(Schedule.recurs(5)))

/** Runs statements again that collided with others', and says of a server that is away that it is. */
export const orUnavailable = <A, R>(
  effect: Effect.Effect<A, SqlError.SqlError, R>,
): Effect.Effect<A, StoreUnavailable, R> =>
  recoverTransaction(effect).pipe(
    Effect.retry({ while: collided, schedule: again }),
    Effect.catchAll((cause) =>
      isUnavailable(cause)
        ? Effect.fail(new StoreUnavailable({ message: `PostgreSQL cannot be used: ${reasonOf(cause)}`, cause }))
        : Effect.die(cause),
    ),
  )
