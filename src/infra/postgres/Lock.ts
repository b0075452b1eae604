import { SqlClient } from "@effect/sql"
import { DateTime, Effect, Schema } from "effect"
import type { DeviceId } from "../../domain/index.ts"

const Zone = Schema.Tuple(Schema.Struct({ zone: Schema.String }))
const Revision = Schema.Tuple(Schema.Struct({ revision: Schema.Number }))

/**
 * Makes the writers of a device wait for each other until the transaction ends, and gives the device's zone. A
 * statement of its own: the statements after it see what the writers before it have committed.
 */
export const lock = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  sql`select zone, pg_advisory_xact_lock(hashtextextended(${deviceId}, 0)) from p1_devices where device_id = ${deviceId}`.pipe(
    Effect.flatMap((rows) => Effect.orDie(Schema.decodeUnknown(Zone)(rows))),
    Effect.map(([{ zone }]) => DateTime.zoneUnsafeMakeNamed(zone)),
  )

/** Any number that no other program on the database locks. */
const upkeepLock = 7_031_904
/** How deep in transactions a connection is that is in none. */
const noTransaction = -1

/**
 * Alone, in all processes on the database, among what makes power curves anew, lets samples go and compares one with the
 * other: a refresh that began before samples were dropped would delete what is left of them, and a device that is half
 * removed is not as its samples say. On one connection, which the lock goes with.
 */
export const alone = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const connection = yield* sql.reserve
      const ask = (statement: string) => connection.executeRaw(statement, [])
      yield* Effect.addFinalizer(() => Effect.ignore(ask(`select pg_advisory_unlock(${upkeepLock})`)))
      yield* ask(`select pg_advisory_lock(${upkeepLock})`)
      return yield* Effect.provideService(effect, SqlClient.TransactionConnection, [connection, noTransaction])
    }),
  )

const oneRevision = Schema.decodeUnknown(Revision)

/** Says that something of a device changed, so that no answer from before is taken for current. */
export const raiseRevision = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  sql`update p1_devices set revision = revision + 1 where device_id = ${deviceId} returning revision`.pipe(
    Effect.flatMap((rows) => Effect.orDie(oneRevision(rows))),
    Effect.map(([row]) => row.revision),
  )
