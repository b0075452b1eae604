import { join } from "node:path"
import { HttpApiClient, HttpClient, HttpClientRequest, HttpServer } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Logger, LogLevel, Option, Ref, Schema, TestClock } from "effect"
import { P1Api } from "../src/domain/api/index.ts"
import { defaultZone, expandQuarterHours, Measurement, quarterHourMs, rangeOfFrame } from "../src/domain/index.ts"
import { Spool, Store } from "../src/domain/ports/index.ts"
import { EdgeClock, EdgeStatus, makeTakeSample, makeUploadOnce, MeteredPeaks } from "../src/edge/index.ts"
import { CryptoSecrets } from "../src/infra/crypto/index.ts"
import { MemoryMeter, MemoryCaches } from "../src/infra/memory/index.ts"
import { SqliteSpool } from "../src/infra/sqlite/index.ts"
import { Admin, Server } from "../src/server/index.ts"
import { initialState, makeEngine, makeHousehold } from "../src/simulator/index.ts"
import { layerFreshStore } from "./support/Database.ts"
import { fastFolder } from "./support/TemporaryFolder.ts"

/** The first of a month, so that the month's peak is the day's. */
const day = "2026-02-01"
const brussels = DateTime.zoneUnsafeMakeNamed(defaultZone)
const { fromMs, toMs } = rangeOfFrame("day", day, brussels)
const fromSecond = fromMs / 1000
const toSecond = toMs / 1000

const household = makeHousehold({ seed: 7, zone: defaultZone })
const meterOfTheDay = () =>
  makeEngine({ household, serial: "5c2faf000007", origin: initialState(household, fromSecond) })

const spool = Layer.unwrapScoped(
  Effect.map(fastFolder, (folder) => SqliteSpool.layer({ filename: join(folder, "spool.sqlite") })),
)
const edge = EdgeStatus.layer.pipe(Layer.provideMerge(Layer.mergeAll(spool, EdgeClock.layer, MeteredPeaks.layer)))
const server = Server.layer({ host: "127.0.0.1", port: 0, portVariable: "PORT" }).pipe(
  Layer.provideMerge(Layer.mergeAll(layerFreshStore, MemoryCaches.layer, CryptoSecrets.layer)),
)
const everything = Layer.mergeAll(server, edge, NodeHttpClient.layerUndici).pipe(
  Layer.provide(Logger.minimumLogLevel(LogLevel.None)),
)

describe("a day at 1 Hz through spool, edge, server and PostgreSQL", () => {
  it.scoped(
    "is stored to the watt-hour of the meter's own ledger",
    () =>
      Effect.gen(function* () {
        const baseUrl = yield* HttpServer.addressFormattedWith(Effect.succeed)
        const { deviceId, token } = yield* Admin.addDevice("Day", defaultZone)
        const readToken = yield* Admin.addReadToken([deviceId])

        const engine = meterOfTheDay()
        const second = yield* Ref.make(fromSecond)
        const decode = Schema.decodeSync(Measurement)
        const meter = MemoryMeter.layer(Effect.map(Ref.get(second), (at) => decode(engine.measurementAtSecond(at))))
        const { takeSample } = yield* Effect.provide(makeTakeSample({ zone: brussels }), meter)
        const { uploadOldest } = yield* makeUploadOnce({ url: baseUrl, token: Effect.succeed(token) })

        for (let at = fromSecond; at <= toSecond; at++) {
          yield* Ref.set(second, at)
          yield* takeSample
          if (at % 1000 === 0) yield* uploadOldest
        }
        while ((yield* uploadOldest).settled > 0);

        const { waiting } = yield* (yield* Spool).status
        expect(waiting).toBe(0)
        const store = yield* Store
        const stored = yield* store.samples(deviceId, { fromMs, toMs })
        expect(stored).toHaveLength(86_400)

        // Every quarter-hour is the ledger's, to the watt-hour.
        const ledger = meterOfTheDay().ledger(fromSecond, toSecond)
        const quarters = expandQuarterHours(yield* store.quarterHours(deviceId, { fromMs, toMs }), fromMs, toMs)
        expect(quarters.map(({ energyExportWh, energyImportWh }) => [energyImportWh, energyExportWh])).toEqual(
          ledger.slice(1).map((mark, i) => {
            const before = ledger[i]
            return [mark.importWh - (before?.importWh ?? 0), mark.exportWh - (before?.exportWh ?? 0)]
          }),
        )
        expect(quarters).toHaveLength(96)
        expect(
          quarters.every(({ coverage, eligible, method }) => coverage === 1 && eligible && method === "register"),
        ).toBe(true)

        // The monthly peak is the one that the meter reports.
        const client = yield* HttpApiClient.make(P1Api, {
          baseUrl,
          transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(readToken)),
        })
        const month = yield* client.capacity.month({ path: { month: "2026-02" }, urlParams: { top: 3 } })
        const reported = decode(engine.measurementAtSecond(toSecond))
        expect(month.meterPeakW).toBe(reported.monthlyPowerPeakW)
        expect(month.computedPeakTs).toEqual(month.meterPeakTs)
        expect(Math.abs(month.differenceW ?? Infinity)).toBeLessThanOrEqual(10)
        expect(month.source).toBe("meter")

        // Hours add up to the registers' difference.
        const reply = yield* client.history.series({ urlParams: { frame: "day", at: day } })
        const hours = reply.kind === "energy" ? reply.series : []
        const first = ledger[0]
        const last = ledger.at(-1)
        const sum = (of: (point: (typeof hours)[number]) => number) =>
          Math.round(hours.reduce((total, point) => total + of(point), 0) * 1000)
        expect(hours).toHaveLength(24)
        expect(sum(({ energyImportKwh }) => energyImportKwh)).toBe((last?.importWh ?? 0) - (first?.importWh ?? 0))
        expect(sum(({ energyExportKwh }) => energyExportKwh)).toBe((last?.exportWh ?? 0) - (first?.exportWh ?? 0))

        // And the latest is the last, at the start of a new quarter-hour.
        const latest = Option.getOrThrow(yield* store.latest(deviceId, DateTime.unsafeMake(toMs)))
        expect(latest.sample.ts.epochMillis).toBe(toMs)
        expect(latest.quarter.startMs % quarterHourMs).toBe(0)
      }).pipe(Effect.provide(everything), (day) => Effect.zipRight(TestClock.setTime(toMs), day)),
    600_000,
  )
})
