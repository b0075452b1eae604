import { SqlClient } from "@effect/sql"
import { Duration, Effect, Layer, Schema } from "effect"
import { meterChanges } from "../../domain/index.ts"
import { type Registry, Store, StoreUnavailable } from "../../domain/ports/index.ts"
import { StartupError } from "../process/index.ts"
import * as Bills from "./Bills.ts"
import * as Client from "./Client.ts"
import { orUnavailable } from "./Failure.ts"
import { ingest } from "./Ingest.ts"
import * as Migrations from "./Migrations.ts"
import { powerCurve } from "./PowerCurves.ts"
import * as Queries from "./Queries.ts"
import { layer as layerRegistry } from "./Registry.ts"
import { meterReadings } from "./SubMeters.ts"

const checkLimit = "2 seconds"

const Version = Schema.Tuple(Schema.Struct({ version: Schema.String, timescale: Schema.Boolean }))

/** `timescaledb.disable_load` is there only where TimescaleDB is preloaded; asking for it harms no connection. */
const describe = (sql: SqlClient.SqlClient) =>
  sql`select split_part(current_setting('server_version'), ' ', 1) as version,
             current_setting('timescaledb.disable_load', true) is not null as timescale`.pipe(
    Effect.flatMap((rows) => Effect.orDie(Schema.decodeUnknown(Version)(rows))),
    Effect.map(([{ version, timescale }]) =>
      timescale ? `PostgreSQL ${version}, TimescaleDB not used` : `PostgreSQL ${version}, without TimescaleDB`,
    ),
  )

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const description = yield* describe(sql)
  return Store.of({
    ingest: (deviceId, batch) => Effect.uninterruptible(orUnavailable(ingest(sql, deviceId, batch))),
    revision: (deviceId) => orUnavailable(Queries.revision(sql, deviceId)),
    latest: (deviceId, notAfter) => orUnavailable(Queries.latest(sql, deviceId, notAfter)),
    quarterHours: (deviceId, range) => orUnavailable(Queries.quarterHours(sql, deviceId, range)),
    extent: (deviceId) => orUnavailable(Queries.extent(sql, deviceId)),
    reportedPeak: (deviceId, month) => orUnavailable(Queries.reportedPeak(sql, deviceId, month)),
    place: (deviceId) => orUnavailable(Bills.place(sql, deviceId)),
    setPlace: (deviceId, place) => orUnavailable(Bills.setPlace(sql, deviceId, place)),
    reportedPeaks: (deviceId) => orUnavailable(Bills.reportedPeaks(sql, deviceId)),
    manualPeaks: (deviceId) => orUnavailable(Bills.manualPeaks(sql, deviceId)),
    setManualPeak: (deviceId, month, peakW) => orUnavailable(Bills.setManualPeak(sql, deviceId, month, peakW)),
    importedQuarters: (deviceId, range) => orUnavailable(Bills.importedQuarters(sql, deviceId, range)),
    importQuarters: (deviceId, quarters) => orUnavailable(Bills.importQuarters(sql, deviceId, quarters)),
    meterReadings: (deviceId, meterId, range) => orUnavailable(meterReadings(sql, deviceId, meterId, range)),
    samples: (deviceId, range) => orUnavailable(Queries.samples(sql, deviceId, range)),
    powerCurve: (deviceId, range, bucket) => orUnavailable(powerCurve(sql, deviceId, range, bucket)),
    meterChanges: (deviceId) => Effect.map(orUnavailable(Queries.meterInfos(sql, deviceId)), meterChanges),
    check: orUnavailable(sql`select 1`).pipe(
      Effect.asVoid,
      Effect.disconnect,
      Effect.timeoutFail({
        duration: checkLimit,
        onTimeout: () =>
          new StoreUnavailable({
            message: `PostgreSQL does not answer within ${Duration.format(Duration.decode(checkLimit))}`,
          }),
      }),
    ),
    description,
  })
})

/** The store on a client whose database is up to date. */
export const layerWithoutClient: Layer.Layer<Store, StartupError, SqlClient.SqlClient> = Layer.effect(
  Store,
  Effect.mapError(orUnavailable(make), ({ message }) => new StartupError({ message })),
)

/** Store and registry in PostgreSQL, its schema brought up to date first. */
export const layer = (options: Client.Options): Layer.Layer<Store | Registry, StartupError> =>
  Layer.unwrapEffect(
    Effect.as(
      Migrations.run.pipe(
        Effect.provide(Client.layer({ ...options, maxConnections: 1, statementTimeout: Duration.infinity })),
      ),
      Layer.merge(layerWithoutClient, layerRegistry).pipe(Layer.provide(Client.layer(options))),
    ),
  )
