import type { SqlClient, SqlError } from "@effect/sql"
import { Effect, Option } from "effect"
import { type DeviceId, type Instant, maxDeviceTokens, type TokenRecord, useNotedEveryMs } from "../../domain/index.ts"
import { TooManyTokens } from "../../domain/ports/index.ts"
import { deviceIdsOf, toSummaries, toTokens } from "./TokenRows.ts"

/** Locks the device, so that two at once do not both find room for one more. */
const room = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  Effect.gen(function* () {
    yield* sql`select 1 from p1_devices where device_id = ${deviceId} for update`
    const active = yield* sql`select 1 from p1_tokens join p1_token_devices using (token_id)
      where device_id = ${deviceId} and kind = 'device' and revoked_at is null`
    if (active.length >= maxDeviceTokens) return yield* new TooManyTokens({ deviceId })
  })

export const add = (
  sql: SqlClient.SqlClient,
  { deviceIds, kind, sha256, tokenId }: TokenRecord,
): Effect.Effect<void, TooManyTokens | SqlError.SqlError> =>
  Effect.gen(function* () {
    const [first] = deviceIds
    if (kind === "device" && first !== undefined) yield* room(sql, first)
    yield* sql`insert into p1_tokens (token_id, kind, sha256) values (${tokenId}, ${kind}, ${sha256})`
    yield* sql`insert into p1_token_devices (token_id, device_id)
      select ${tokenId}, device_id from unnest(${deviceIds}::text[]) as device_id`
  }).pipe(sql.withTransaction)

export const find = (sql: SqlClient.SqlClient, tokenId: string) =>
  sql`select token_id, kind, sha256, ${sql.literal(deviceIdsOf)}
      from p1_tokens t where token_id = ${tokenId} and revoked_at is null`.pipe(
    Effect.map((rows) => Option.fromNullable(toTokens(rows)[0])),
  )

export const all = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql`select token_id, kind, created_at, last_used_at, revoked_at, ${sql.literal(deviceIdsOf)}
        from p1_tokens t order by created_at, token_id`,
    toSummaries,
  )

export const revoke = (sql: SqlClient.SqlClient, tokenId: string) =>
  sql`update p1_tokens set revoked_at = now() where token_id = ${tokenId} and revoked_at is null`

/** Several processes note the use of one token: the first in a minute does. */
export const noteUse = (sql: SqlClient.SqlClient, tokenId: string, at: Instant) => {
  const usedAt = new Date(at.epochMillis)
  return sql`update p1_tokens set last_used_at = ${usedAt}
    where token_id = ${tokenId}
      and (last_used_at is null or last_used_at <= ${usedAt}::timestamptz - make_interval(secs => ${useNotedEveryMs / 1000}))`
}
