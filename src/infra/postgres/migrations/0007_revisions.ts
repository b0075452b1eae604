import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

const begin = (at: string): string => `floor(date_part('epoch', ${at}) * 1000)::bigint`

const statements = [
  `alter table p1_devices alter column revision set default ${begin("clock_timestamp()")}`,
  `update p1_devices set revision = revision + ${begin("created_at")}`,
  `comment on column p1_devices.revision is
     'One more after every batch that changed something; begins with the ms since 1970 at which the device was added'`,
]

/**
 * A device that is added again under the name of one that was removed has no revision of that one, but higher ones: what
 * is remembered of the one is never taken for the other's.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
})
