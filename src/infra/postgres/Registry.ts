import { SqlClient } from "@effect/sql"
import { Effect, Layer, Option, Schema } from "effect"
import { Device } from "../../domain/index.ts"
import { DeviceExists, Registry, TooManyTokens } from "../../domain/ports/index.ts"
import { orUnavailable } from "./Failure.ts"
import * as Removal from "./Removal.ts"
import * as Tokens from "./Tokens.ts"

const decodeDevices = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ device_id: Device.fields.deviceId, name: Schema.String, zone: Schema.String })),
)

const toDevices = (rows: ReadonlyArray<unknown>): ReadonlyArray<Device> =>
  decodeDevices(rows).map(({ device_id, name, zone }) => ({ deviceId: device_id, name, zone }))

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
      renameDevice: (deviceId, name) =>
        Effect.asVoid(orUnavailable(sql`update p1_devices set name = ${name} where device_id = ${deviceId}`)),
      contents: (deviceId) => orUnavailable(Removal.contents(sql, deviceId)),
      removeDevice: (deviceId) => orUnavailable(Removal.remove(sql, deviceId)),
      addToken: (token) =>
        Tokens.add(sql, token).pipe(
          Effect.catchTag("TooManyTokens", (full) => Effect.succeed(full)),
          orUnavailable,
          Effect.flatMap((full) => (full instanceof TooManyTokens ? Effect.fail(full) : Effect.void)),
        ),
      findToken: (tokenId) => orUnavailable(Tokens.find(sql, tokenId)),
      tokens: orUnavailable(Tokens.all(sql)),
      revokeToken: (tokenId) => Effect.asVoid(orUnavailable(Tokens.revoke(sql, tokenId))),
      noteUse: (tokenId, at) => Effect.asVoid(orUnavailable(Tokens.noteUse(sql, tokenId, at))),
    }),
  ),
)
