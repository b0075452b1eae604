import { SqlClient } from "@effect/sql"
import { Duration, Effect, Layer } from "effect"
import { type DeviceId, meterChanges } from "../../domain/index.ts"
import { type Registry, Store, StoreUnavailable } from "../../domain/ports/index.ts"
import { StartupError } from "../process/index.ts"
import { makeAppender } from "./Appender.ts"
import * as Bills from "./Bills.ts"
import * as Client from "./Client.ts"
import { condensed } from "./Condensed.ts"
import { makeDeviceWriter } from "./DeviceWriter.ts"
import { orUnavailable } from "./Failure.ts"
import * as Migrations from "./Migrations.ts"
import { curvesLack, powerCurve } from "./PowerCurves.ts"
import * as Queries from "./Queries.ts"
import { layer as layerRegistry } from "./Registry.ts"
import { meterReadings } from "./SubMeters.ts"
import { describe, type TimescaleUse } from "./Timescale.ts"

const checkLimit = "2 seconds"

const makeWriters = (sql: SqlClient.SqlClient) => {
  const appender = makeAppender(sql)
  const writers = new Map<DeviceId, ReturnType<typeof makeDeviceWriter>>()
  return (deviceId: DeviceId) => {
    const writer = writers.get(deviceId) ?? makeDeviceWriter(sql, appender, deviceId)
    writers.set(deviceId, writer)
    return writer
  }
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const description = yield* describe
  const writerOf = makeWriters(sql)
  return Store.of({
    ingest: (deviceId, batch) => Effect.uninterruptible(writerOf(deviceId)(batch)),
    revision: (deviceId) => orUnavailable(Queries.revision(sql, deviceId)),
    latest: (deviceId, notAfter) => orUnavailable(Queries.latest(sql, deviceId, notAfter)),
    quarterHours: (deviceId, range) => orUnavailable(Queries.quarterHours(sql, deviceId, range)),
    condensed: (deviceId, pieces) => orUnavailable(condensed(sql, deviceId, pieces)),
    extent: (deviceId) => orUnavailable(Queries.extent(sql, deviceId)),
    reportedPeak: (deviceId, month) => orUnavailable(Bills.reportedPeak(sql, deviceId, month)),
    place: (deviceId) => orUnavailable(Bills.place(sql, deviceId)),
    setPlace: (deviceId, place) => orUnavailable(Bills.setPlace(sql, deviceId, place)),
    reportedPeaks: (deviceId) => orUnavailable(Bills.reportedPeaks(sql, deviceId)),
    manualPeaks: (deviceId) => orUnavailable(Bills.manualPeaks(sql, deviceId)),
    setManualPeak: (deviceId, month, peakW) => orUnavailable(Bills.setManualPeak(sql, deviceId, month, peakW)),
    importedQuarters: (deviceId, range) => orUnavailable(Bills.importedQuarters(sql, deviceId, range)),
    importQuarters: (deviceId, quarters) => orUnavailable(Bills.importQuarters(sql, deviceId, quarters)),
    meterReadings: (deviceId, meterId, range) => orUnavailable(meterReadings(sql, deviceId, meterId, range)),
    samples: (deviceId, range, limit) => orUnavailable(Queries.samples(sql, deviceId, range, limit)),
    powerCurve: (deviceId, range, bucket) => orUnavailable(powerCurve(sql, deviceId, range, bucket)),
    curvesLack: orUnavailable(curvesLack(sql)),
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

export interface Options extends Client.Options {
  readonly timescale?: TimescaleUse | undefined
}

/** Brings the schema up to date on a connection of its own, however long that takes. */
export const migrate = (options: Options, move: boolean) =>
  Migrations.run({ timescale: options.timescale ?? "auto", move }).pipe(
    Effect.provide(Client.layer({ ...options, maxConnections: 1, statementTimeout: Duration.infinity })),
  )

/** Store and registry in PostgreSQL, its schema brought up to date first. */
export const layer = (options: Options): Layer.Layer<Store | Registry, StartupError> =>
  Layer.unwrapEffect(
    Effect.as(
      migrate(options, false),
      Layer.merge(layerWithoutClient, layerRegistry).pipe(Layer.provide(Client.layer(options))),
    ),
  )
