import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

const statements = [
  `alter table p1_tokens add column last_used_at timestamptz`,
  `comment on column p1_tokens.last_used_at is 'To the minute'`,
  `create index p1_token_devices_device on p1_token_devices (device_id)`,
]

/** When a token was last used. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
})
