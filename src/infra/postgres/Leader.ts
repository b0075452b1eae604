import { SqlClient, type SqlError } from "@effect/sql"
import { Effect, Predicate, Schedule } from "effect"

/** Any number that no other program on the database locks. */
const leaderLock = 7_031_903
const askEvery = "10 seconds"

const isHeld = (rows: ReadonlyArray<unknown>): boolean => {
  const [row] = rows
  return Predicate.hasProperty(row, "held") && row.held === true
}

/**
 * Runs an effect on the connection's behalf while no other process on the database does, again whenever this one's
 * turn comes. Who holds the turn loses it with its connection.
 */
export const whileAlone = <R>(
  effect: Effect.Effect<void, never, R>,
): Effect.Effect<void, never, R | SqlClient.SqlClient> =>
  Effect.scoped(
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const connection = yield* sql.reserve
      const ask = (statement: string) => connection.executeRaw(statement, [])
      const rows = yield* connection.execute(`select pg_try_advisory_lock(${leaderLock}) as held`, [], undefined)
      if (!isHeld(rows)) return
      yield* Effect.addFinalizer(() => Effect.ignore(ask(`select pg_advisory_unlock(${leaderLock})`)))
      const alive = ask("select 1").pipe(Effect.repeat(Schedule.spaced(askEvery)))
      yield* Effect.raceFirst(effect, alive)
    }),
  ).pipe(
    Effect.catchAll((error: SqlError.SqlError) =>
      Effect.logDebug("The database's maintenance waits").pipe(Effect.annotateLogs({ reason: String(error.cause) })),
    ),
    Effect.repeat(Schedule.spaced(askEvery)),
    Effect.asVoid,
  )
