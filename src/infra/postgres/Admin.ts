import { SqlClient } from "@effect/sql"
import { Duration, Effect, Layer } from "effect"
import { StoreAdmin, StoreRefused } from "../../domain/ports/index.ts"
import * as Client from "./Client.ts"
import { orUnavailable } from "./Failure.ts"
import { recompute } from "./Recompute.ts"
import { status } from "./Status.ts"
import { migrate, type Options } from "./Store.ts"
import { describe } from "./Timescale.ts"

const make = (options: Options) =>
  Effect.map(SqlClient.SqlClient, (sql) =>
    StoreAdmin.of({
      migrate: migrate(options, true).pipe(
        Effect.zipRight(Effect.orDie(Effect.provideService(describe, SqlClient.SqlClient, sql))),
        Effect.mapError(({ message }) => new StoreRefused({ message })),
      ),
      status: orUnavailable(Effect.provideService(status, SqlClient.SqlClient, sql)),
      recompute: (deviceId, range) => orUnavailable(recompute(sql, deviceId, range)),
    }),
  )

/** For commands: statements may take as long as they need, and the schema is left as it is until it is migrated. */
export const layer = (options: Options) =>
  Layer.effect(StoreAdmin, make(options)).pipe(
    Layer.provide(Client.layer({ ...options, maxConnections: 2, statementTimeout: Duration.infinity })),
  )
