import { SqlClient } from "@effect/sql"
import { Effect, Layer, Option, Schema } from "effect"
import { Device, TokenRecord } from "../../domain/index.ts"
import { DeviceExists, Registry } from "../../domain/ports/index.ts"
import { orUnavailable } from "./Failure.ts"

const decodeDevices = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ device_id: Device.fields.deviceId, name: Schema.String, zone: Schema.String })),
)
const decodeTokens = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      token_id: Schema.String,
      kind: TokenRecord.fields.kind,
      sha256: Schema.String,
      device_ids: TokenRecord.fields.deviceIds,
    }),
  ),
)

const toDevices = (rows: ReadonlyArray<unknown>): ReadonlyArray<Device> =>
  decodeDevices(rows).map(({ device_id, name, zone }) => ({ deviceId: device_id, name, zone }))

const toTokens = (rows: ReadonlyArray<unknown>): ReadonlyArray<TokenRecord> =>
  decodeTokens(rows).map(({ token_id, kind, sha256, device_ids }) => ({
    tokenId: token_id,
    kind,
    sha256,
    deviceIds: device_ids,
  }))

/** Devices and tokens on a client whose database is up to date. */
export const layer: Layer.Layer<Registry, never, SqlClient.SqlClient> = Layer.effect(
  Registry,
  Effect.map(SqlClient.SqlClient, (sql) =>
    Registry.of({
      addDevice: ({ deviceId, name, zone }) =>
        orUnavailable(
          sql`insert into p1_devices (device_id, name, zone) values (${deviceId}, ${name}, ${zone})
              on conflict do nothing returning device_id`,
        ).pipe(
          Effect.filterOrFail(
            (rows) => rows.length > 0,
            () => new DeviceExists({ deviceId }),
          ),
          Effect.asVoid,
        ),
      findDevice: (deviceId) =>
        orUnavailable(sql`select device_id, name, zone from p1_devices where device_id = ${deviceId}`).pipe(
          Effect.map((rows) => Option.fromNullable(toDevices(rows)[0])),
        ),
      devices: orUnavailable(sql`select device_id, name, zone from p1_devices order by device_id`).pipe(
        Effect.map(toDevices),
      ),
      addToken: ({ tokenId, kind, sha256, deviceIds }) =>
        orUnavailable(
          sql`with token as (
                insert into p1_tokens (token_id, kind, sha256) values (${tokenId}, ${kind}, ${sha256}) returning token_id
              )
              insert into p1_token_devices (token_id, device_id)
              select token_id, device_id from token, unnest(${deviceIds}::text[]) as device_id`,
        ).pipe(Effect.asVoid),
      findToken: (tokenId) =>
        orUnavailable(
          sql`select token_id, kind, sha256,
                     array(select device_id from p1_token_devices d where d.token_id = t.token_id order by 1) as device_ids
              from p1_tokens t where token_id = ${tokenId} and revoked_at is null`,
        ).pipe(Effect.map((rows) => Option.fromNullable(toTokens(rows)[0]))),
    }),
  ),
)
