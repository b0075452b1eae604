import type { SqlClient } from "@effect/sql"
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

const oneRevision = Schema.decodeUnknown(Revision)

/** Says that something of a device changed, so that no answer from before is taken for current. */
export const raiseRevision = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  sql`update p1_devices set revision = revision + 1 where device_id = ${deviceId} returning revision`.pipe(
    Effect.flatMap((rows) => Effect.orDie(oneRevision(rows))),
    Effect.map(([row]) => row.revision),
  )
