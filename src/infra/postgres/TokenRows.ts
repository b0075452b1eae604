import { Schema } from "effect"
import { fromEpochMillis, TokenRecord } from "../../domain/index.ts"
import type { TokenSummary } from "../../domain/ports/index.ts"

const fields = {
  token_id: Schema.String,
  kind: TokenRecord.fields.kind,
  device_ids: TokenRecord.fields.deviceIds,
}
const Record = Schema.Struct({ ...fields, sha256: Schema.String })
const Summary = Schema.Struct({
  ...fields,
  created_at: Schema.DateFromSelf,
  last_used_at: Schema.NullOr(Schema.DateFromSelf),
  revoked_at: Schema.NullOr(Schema.DateFromSelf),
})

const decodeRecords = Schema.decodeUnknownSync(Schema.Array(Record))
const decodeSummaries = Schema.decodeUnknownSync(Schema.Array(Summary))

const instant = (date: Date) => fromEpochMillis(date.getTime())
const instantOrNull = (date: Date | null) => (date === null ? null : instant(date))

/** The devices of a token `t`, in order. */
export const deviceIdsOf = `array(select device_id from p1_token_devices d where d.token_id = t.token_id order by 1) as device_ids`

export const toTokens = (rows: ReadonlyArray<unknown>): ReadonlyArray<TokenRecord> =>
  decodeRecords(rows).map(({ token_id, kind, sha256, device_ids }) => ({
    tokenId: token_id,
    kind,
    sha256,
    deviceIds: device_ids,
  }))

export const toSummaries = (rows: ReadonlyArray<unknown>): ReadonlyArray<TokenSummary> =>
  decodeSummaries(rows).map((row) => ({
    tokenId: row.token_id,
    kind: row.kind,
    deviceIds: row.device_ids,
    createdAt: instant(row.created_at),
    lastUsedAt: instantOrNull(row.last_used_at),
    revokedAt: instantOrNull(row.revoked_at),
  }))
