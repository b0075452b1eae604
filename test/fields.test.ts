import { join } from "node:path"
import { HttpServer } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Logger, LogLevel, Schema, TestClock } from "effect"
import { defaultZone, Measurement, Sample } from "../src/domain/index.ts"
import { Store } from "../src/domain/ports/index.ts"
import { EdgeClock, EdgeStatus, makeTakeSample, makeUploadOnce, MeteredPeaks } from "../src/edge/index.ts"
import { CryptoSecrets } from "../src/infra/crypto/index.ts"
import { MemoryMeter, MemoryCaches } from "../src/infra/memory/index.ts"
import { SqliteSpool } from "../src/infra/sqlite/index.ts"
import { Admin, Server } from "../src/server/index.ts"
import { layerFreshStore } from "./support/Database.ts"
import { onePhase, threePhase } from "./support/measurements.ts"
import { temporaryFolder } from "./support/TemporaryFolder.ts"

const spool = Layer.unwrapScoped(
  Effect.map(temporaryFolder, (folder) => SqliteSpool.layer({ filename: join(folder, "spool.sqlite") })),
)
const edge = EdgeStatus.layer.pipe(Layer.provideMerge(Layer.mergeAll(spool, EdgeClock.layer, MeteredPeaks.layer)))
const server = Server.layer({ host: "127.0.0.1", port: 0, portVariable: "PORT" }).pipe(
  Layer.provideMerge(Layer.mergeAll(layerFreshStore, MemoryCaches.layer, CryptoSecrets.layer)),
)
const everything = Layer.mergeAll(server, edge, NodeHttpClient.layerUndici).pipe(
  Layer.provide(Logger.minimumLogLevel(LogLevel.None)),
)

const readAt = DateTime.unsafeMake("2024-06-28T12:12:35Z")
const ever = { fromMs: 0, toMs: readAt.epochMillis + 1 }

/** Takes one measurement, uploads it, and reads back what PostgreSQL holds of it. */
const throughAll = (measurement: unknown) =>
  Effect.gen(function* () {
    const url = yield* HttpServer.addressFormattedWith(Effect.succeed)
    const { deviceId, token } = yield* Admin.addDevice("Fields", defaultZone)
    const meter = MemoryMeter.layer(Effect.orDie(Schema.decodeUnknown(Measurement)(measurement)))
    const { takeSample } = yield* Effect.provide(
      makeTakeSample({ zone: DateTime.zoneUnsafeMakeNamed(defaultZone) }),
      meter,
    )
    yield* takeSample
    const { uploadOldest } = yield* makeUploadOnce({ url, token: Effect.succeed(token) })
    expect(yield* uploadOldest).toMatchObject({ settled: 1 })
    const store = yield* Store
    const samples = yield* store.samples(deviceId, ever)
    const meters = yield* store.meterChanges(deviceId)
    return { samples: samples.map((sample) => Schema.encodeSync(Sample)(sample)), meters }
  }).pipe(Effect.provide(everything), (all) => Effect.zipRight(TestClock.setTime(readAt.epochMillis), all))

const common = {
  ts: "2024-06-28T12:12:34.000Z",
  ts_source: "meter",
  meter_stamp: "2024-06-28T14:12:34",
  received_at: "2024-06-28T12:12:35.000Z",
}

describe("the vendor's documented measurements, field by field through spool, server and PostgreSQL", () => {
  it.scoped("three-phase, with sub-meters, the capacity tariff's fields and the counters", () =>
    Effect.gen(function* () {
      const { meters, samples } = yield* throughAll(threePhase)
      expect(samples).toEqual([
        {
          ...common,
          power_w: -543,
          tariff: 2,
          energy_import_kwh: 13779.338,
          energy_import_t1_kwh: 10830.511,
          energy_import_t2_kwh: 2948.827,
          energy_export_kwh: 0,
          energy_export_t1_kwh: 0,
          energy_export_t2_kwh: 0,
          power_l1_w: -676,
          power_l2_w: 133,
          power_l3_w: 0,
          current_a: 6,
          current_l1_a: 4,
          current_l2_a: 2,
          current_l3_a: 0,
          average_power_15m_w: 123,
          monthly_power_peak_w: 1111,
          monthly_power_peak_ts: "2024-06-04T08:11:22.000Z",
          external: threePhase.external.map(({ timestamp, type, unique_id, unit, value }) => ({
            id: unique_id,
            kind: type,
            ts: new Date(`${timestamp}+02:00`).toISOString(),
            value,
            unit,
          })),
        },
      ])
      expect(meters).toHaveLength(1)
      expect(meters[0]).toMatchObject({
        uniqueId: threePhase.unique_id,
        model: threePhase.meter_model,
        protocolVersion: 50,
        firmwareVersion: expect.any(String),
        voltageSagL1Count: 1,
        voltageSagL2Count: 1,
        voltageSagL3Count: 0,
        voltageSwellL1Count: 0,
        voltageSwellL2Count: 0,
        voltageSwellL3Count: 0,
        anyPowerFailCount: 4,
        longPowerFailCount: 5,
      })
    }),
  )

  it.scoped("one-phase, without totals or sub-meters", () =>
    Effect.gen(function* () {
      const { meters, samples } = yield* throughAll(onePhase)
      expect(samples).toEqual([
        {
          ...common,
          power_w: -678,
          power_l1_w: -676,
          energy_import_kwh: 13779.338,
          energy_import_t1_kwh: 10830.511,
          energy_import_t2_kwh: 2948.827,
          energy_export_kwh: 4162.461,
          energy_export_t1_kwh: 1285.951,
          energy_export_t2_kwh: 2876.51,
        },
      ])
      expect(meters[0]).toMatchObject({ uniqueId: onePhase.unique_id, anyPowerFailCount: null })
    }),
  )

  it.scoped("every other field that a meter may give", () =>
    Effect.gen(function* () {
      const rest = {
        power_w: 1,
        timestamp: "2024-06-28T14:12:34",
        energy_import_t3_kwh: 3.3,
        energy_import_t4_kwh: 4.4,
        energy_export_t3_kwh: 5.5,
        energy_export_t4_kwh: 6.6,
        voltage_l1_v: 231.1,
        voltage_l2_v: 232.2,
        voltage_l3_v: 233.3,
        frequency_hz: 49.98,
      }
      const { samples } = yield* throughAll(rest)
      expect(samples).toEqual([
        { ...common, ...rest, timestamp: undefined, energy_import_kwh: 7.7, energy_export_kwh: 12.1 },
      ])
    }),
  )
})
