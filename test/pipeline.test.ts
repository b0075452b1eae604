import { HttpApiClient, HttpClient, HttpClientRequest, HttpServer } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Logger, LogLevel, Ref, Schema, TestClock } from "effect"
import { P1Api } from "../src/domain/api/index.ts"
import { defaultZone, Measurement } from "../src/domain/index.ts"
import { Spool } from "../src/domain/ports/index.ts"
import { EdgeClock, EdgeStatus, makeTakeSample, makeUploadOnce, MeteredPeaks } from "../src/edge/index.ts"
import { CryptoSecrets } from "../src/infra/crypto/index.ts"
import {
  MemoryEdgeState,
  MemoryMeter,
  MemoryCaches,
  MemoryRegistry,
  MemorySpool,
  MemoryStore,
} from "../src/infra/memory/index.ts"
import { Admin, Server } from "../src/server/index.ts"

/*
 * The whole way of a sample, top to bottom, with every port in memory:
 * meter → sample → spool → batch → ingest → store → quarter-hour → answer.
 */

const brussels = DateTime.zoneUnsafeMakeNamed(defaultZone)
const noon = DateTime.unsafeMake("2026-01-15T12:00:00Z")

/** What a meter behind a steady draw says: every 10 s 6 kW, so that a quarter-hour takes 1,500 Wh. */
const telegram = (second: number) =>
  Schema.decodeSync(Measurement)({
    timestamp: DateTime.formatIsoZoned(DateTime.setZone(DateTime.add(noon, { seconds: second }), brussels)).slice(
      0,
      19,
    ),
    tariff: 1,
    power_w: 6000,
    energy_import_kwh: Math.round((1000 + (second * 6) / 3600) * 1000) / 1000,
    energy_export_kwh: 250,
    monthly_power_peak_w: 4321,
    monthly_power_peak_timestamp: "2026-01-10T18:15:00",
  })

const serverPorts = Layer.mergeAll(
  Layer.provideMerge(MemoryStore.layer, MemoryRegistry.layer),
  MemoryCaches.layer,
  CryptoSecrets.layer,
)
const server = Layer.provideMerge(Server.layer({ host: "127.0.0.1", port: 0, portVariable: "PORT" }), serverPorts)
const edge = EdgeStatus.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(MemorySpool.layer, MemoryEdgeState.layer, EdgeClock.layer, MeteredPeaks.layer)),
)

const wholeWay = Layer.mergeAll(server, edge, NodeHttpClient.layerUndici).pipe(
  Layer.provide(Logger.minimumLogLevel(LogLevel.None)),
)

describe("one sample, all the way", () => {
  it.scoped("from the meter's telegram to what a reader is told", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(noon.epochMillis)
      const baseUrl = yield* HttpServer.addressFormattedWith(Effect.succeed)

      // A device is registered once; its token writes, a read token reads.
      const { deviceId, token: deviceToken } = yield* Admin.addDevice("Zonnestraat 12", defaultZone)
      const readToken = yield* Admin.addReadToken([deviceId])
      expect(deviceId).toBe("zonnestraat-12")

      // The edge asks the meter; what is new becomes a sample in the spool.
      const says = yield* Ref.make(telegram(0))
      const { takeSample } = yield* Effect.provide(makeTakeSample({ zone: brussels }), MemoryMeter.layer(Ref.get(says)))
      for (let second = -10; second <= 20 * 60; second += 10) {
        yield* Ref.set(says, telegram(second))
        yield* takeSample
        yield* takeSample
      }
      const spool = yield* Spool
      const taken = 122
      expect((yield* spool.status).waiting).toBe(taken)

      // The edge uploads a batch; the server stores it, says so, and only then does the spool let go of it.
      yield* TestClock.setTime(DateTime.add(noon, { minutes: 20, seconds: 2 }).epochMillis)
      const { uploadOldest } = yield* makeUploadOnce({ url: baseUrl, token: Effect.succeed(deviceToken) })
      expect(yield* uploadOldest).toMatchObject({ settled: taken })
      expect((yield* spool.status).waiting).toBe(0)

      // A reader asks, with the client that the same contract gives.
      const client = yield* HttpApiClient.make(P1Api, {
        baseUrl,
        transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(readToken)),
      })

      const now = yield* client.realtime.latest({ urlParams: {} })
      expect(now).toMatchObject({ deviceId, ageS: 2, stale: false, powerW: 6000, energyImportKwh: 1002 })
      expect(now.quarter).toMatchObject({
        start: DateTime.add(noon, { minutes: 15 }),
        elapsedS: 300,
        energyImportKwh: 0.5,
        averageW: 6000,
        certainW: 1992,
        projectedW: 6000,
      })
      expect(now.month).toMatchObject({ month: "2026-01", peakW: 4321, source: "meter" })

      const month = yield* client.capacity.month({ path: { month: "2026-01" }, urlParams: { top: 1 } })
      expect(month).toMatchObject({ status: "running", monthlyPeakW: 4321, computedPeakW: 6000, differenceW: -1679 })
      expect(month.peaks).toEqual([
        {
          bucket: noon,
          avgPowerW: 6000,
          lowW: 5924,
          highW: 6008,
          energyImportKwh: 1.5,
          coverage: 1,
          method: "register",
          eligible: true,
        },
      ])

      const day = yield* client.history.series({ urlParams: { frame: "day", at: "2026-01-15" } })
      if (day.kind !== "energy") throw new Error("expected energy")
      expect(day.bucket).toBe("hour")
      expect(day.series.map(({ bucket, energyImportKwh }) => [DateTime.formatIso(bucket), energyImportKwh])).toEqual([
        ["2026-01-15T11:00:00.000Z", 0.017],
        ["2026-01-15T12:00:00.000Z", 2],
      ])
    }).pipe(Effect.provide(wholeWay)),
  )
})
