import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import { Context, DateTime, Effect, Either, Layer, Option } from "effect"
import { normalize } from "../../src/domain/index.ts"
import { Meter } from "../../src/domain/ports/index.ts"
import { HomeWizardMeterV1 } from "../../src/infra/homewizard/index.ts"

/** A Belgian meter's data by Local API v1, field names and their spelling as the vendor documents them. */
const data = {
  wifi_ssid: "Home",
  wifi_strength: 78,
  smr_version: 50,
  meter_model: "Fluvius 253770000_A",
  unique_id: "00112233445566778899",
  active_tariff: 2,
  total_power_import_kwh: 13779.338,
  total_power_import_t1_kwh: 10830.511,
  total_power_import_t2_kwh: 2948.827,
  total_power_export_kwh: 0,
  total_power_export_t1_kwh: 0,
  total_power_export_t2_kwh: 0,
  active_power_w: -543,
  active_power_l1_w: -676,
  active_power_l2_w: 133,
  active_power_l3_w: 0,
  active_voltage_l1_v: 231.4,
  active_current_a: 6,
  active_current_l1_a: -4,
  active_frequency_hz: 50,
  voltage_sag_l1_count: 1,
  any_power_fail_count: 4,
  active_power_average_w: 123,
  montly_power_peak_w: 1111,
  montly_power_peak_timestamp: 240604101122,
  total_gas_m3: 2569.646,
  gas_timestamp: 240628140000,
  gas_unique_id: "01FFEEDDCCBBAA998877665544332211",
  external: [
    { unique_id: "W1", type: "water_meter", timestamp: 240628140500, value: 123.456, unit: "m3" },
    { unique_id: "W2", type: "water_meter", timestamp: "never", value: 1, unit: "m3" },
  ],
}

const meterSaying = (status: number, body: string) =>
  Effect.gen(function* () {
    const asked: Array<string | undefined> = []
    const server = createServer((request, response) => {
      asked.push(request.headers.authorization, request.url)
      response.writeHead(status).end(body)
    })
    yield* Effect.acquireRelease(
      Effect.promise(() => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)))),
      () => Effect.sync(() => server.close()),
    )
    const { port } = server.address() as AddressInfo
    const context = yield* Layer.build(HomeWizardMeterV1.layer({ host: "127.0.0.1", port }))
    return { asked, meter: Context.get(context, Meter) }
  })

const edge = { now: DateTime.unsafeMake("2024-06-28T12:12:35Z"), trusted: true }

describe("a meter asked by Local API v1", () => {
  it.scopedLive("says the same as by v2, without a reading time: the key is the edge's clock", () =>
    Effect.gen(function* () {
      const { asked, meter } = yield* meterSaying(200, JSON.stringify(data))
      const zone = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
      const sample = Either.getOrThrow(normalize(yield* meter.measurement, { zone, edge, previous: Option.none() }))
      expect(asked).toEqual([undefined, "/api/v1/data"])
      expect(sample).toMatchObject({
        ts: edge.now,
        tsSource: "edge",
        meterStamp: null,
        powerW: -543,
        powerL1W: -676,
        energyImportKwh: 13779.338,
        energyImportT1Kwh: 10830.511,
        energyExportT2Kwh: 0,
        tariff: 2,
        voltageL1V: 231.4,
        currentA: 6,
        currentL1A: 4,
        frequencyHz: 50,
        averagePower15mW: 123,
        monthlyPowerPeakW: 1111,
        monthlyPowerPeakTs: DateTime.unsafeMake("2024-06-04T08:11:22Z"),
      })
      expect(sample.external?.map(({ id, kind, ts, value }) => [kind, id, DateTime.formatIso(ts), value])).toEqual([
        ["water_meter", "W1", "2024-06-28T12:05:00.000Z", 123.456],
        ["gas_meter", data.gas_unique_id, "2024-06-28T12:00:00.000Z", 2569.646],
      ])
      expect(Option.isNone(meter.pushed)).toBe(true)
    }),
  )

  it.scopedLive("gives its gas meter once, where it is among the sub-meters already", () =>
    Effect.gen(function* () {
      const gas = { unique_id: "G", type: "gas_meter", timestamp: 240628140000, value: 2, unit: "m3" }
      const { meter } = yield* meterSaying(200, JSON.stringify({ ...data, external: [gas] }))
      expect((yield* meter.measurement).external).toHaveLength(1)
    }),
  )

  it.scopedLive("says how to switch that API on", () =>
    Effect.gen(function* () {
      const { meter } = yield* meterSaying(403, JSON.stringify({ error: { id: 202, description: "API not enabled" } }))
      const error = yield* Effect.flip(meter.measurement)
      expect(error.message).toContain("switch it on in the HomeWizard app")
    }),
  )
})
