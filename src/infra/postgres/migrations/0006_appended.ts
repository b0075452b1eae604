import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

const statements = [
  `alter table p1_devices add column appended bigint not null default 0`,
  `comment on column p1_devices.appended is
     'How many of its revisions changed no quarter-hour but the newest, nor what was imported, typed or said of the meter'`,
]

/** Which revisions only went on where the device was, so that what was read of its past need not be read again. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
})
