import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option, Schema } from "effect"
import makeMdns from "multicast-dns"
import { ControlEndpoint, layer, MeterControls, MeterEndpoint, peace, V1Endpoint } from "../../src/simulator/index.ts"
import { askAs } from "./client.ts"

const startAt = Option.some(DateTime.unsafeMake("2026-06-02T10:20:00Z"))
const any = Option.some(0)

const http = (port: Option.Option<number>, path: string, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${Option.getOrThrow(port)}${path}`, init)
    return { status: response.status, text: await response.text() }
  })

describe("the dongle's own settings", () => {
  it.scopedLive("are read, written in part, and refused by name", () =>
    Effect.gen(function* () {
      const put = (json: unknown, path = "/api/system") => askAs(path, { method: "PUT", json })
      const { body } = yield* askAs("/api/system")
      assert.deepInclude(JSON.parse(body), {
        wifi_ssid: "Home",
        wifi_rssi_db: -58,
        cloud_enabled: true,
        status_led_brightness_pct: 100,
        api_v1_enabled: false,
      })
      const written = yield* put({ status_led_brightness_pct: 40, nothing: 1 })
      assert.deepInclude(JSON.parse(written.body), { status_led_brightness_pct: 40, cloud_enabled: true })
      assert.deepInclude(yield* put({ cloud_enabled: "no" }), {
        status: 400,
        body: '{"error":"json:parameter-invalid-type:cloud_enabled"}',
      })
      assert.deepInclude(yield* put({}), { status: 400, body: '{"error":"json:no-parameters-recognized"}' })
      assert.deepInclude(yield* put(undefined, "/api/system/identify"), { status: 204, body: "" })
      assert.strictEqual((yield* askAs("/api/batteries")).status, 404)
      assert.deepInclude(yield* put(undefined, "/api/system/reboot"), { status: 204, body: "" })
      assert.strictEqual(yield* Effect.flip(askAs("/api")), "ECONNRESET")
    }).pipe(Effect.provide(layer({ port: 0 }))),
  )
})

describe("API v1", () => {
  it.scopedLive("answers without a token, in its own words, while it is switched on", () =>
    Effect.gen(function* () {
      const { port } = yield* V1Endpoint
      const { status, text } = yield* http(port, "/api/v1/data")
      assert.strictEqual(status, 200)
      const v1 = JSON.parse(text) as Record<string, unknown>
      const v2 = JSON.parse((yield* askAs("/api/measurement")).body) as Record<string, unknown>
      assert.strictEqual(v1["total_power_import_t2_kwh"], v2["energy_import_t2_kwh"])
      assert.strictEqual(v1["montly_power_peak_w"], v2["monthly_power_peak_w"])
      assert.match(String(v1["montly_power_peak_timestamp"]), /^26060\d{7}$/)
      assert.match(String(v1["gas_timestamp"]), /^260602\d{6}$/)
      assert.notProperty(v1, "timestamp")
      assert.deepInclude(JSON.parse((yield* http(port, "/api")).text), { api_version: "v1", product_type: "HWE-P1" })
      yield* askAs("/api/system", { method: "PUT", json: { api_v1_enabled: false } })
      assert.deepStrictEqual(yield* http(port, "/api/v1/data"), {
        status: 403,
        text: '{"error":{"id":202,"description":"API not enabled"}}',
      })
    }).pipe(Effect.provide(layer({ port: 0, v1Port: any, startAt }))),
  )
})

describe("the control route", () => {
  it.scopedLive("shows and changes switches, and presses the button", () =>
    Effect.gen(function* () {
      const { port } = yield* ControlEndpoint
      const { buttonHolds, switches } = yield* MeterControls
      const patch = (body: unknown) => http(port, "/", { method: "PATCH", body: JSON.stringify(body) })
      assert.deepStrictEqual(JSON.parse((yield* http(port, "/")).text), peace)
      assert.strictEqual((yield* patch({ smartMeter: "lost", delayMs: 5 })).status, 200)
      assert.deepStrictEqual(yield* switches, { ...peace, smartMeter: "lost", delayMs: 5 })
      assert.strictEqual((yield* patch({ smartMeter: "away" })).status, 400)
      assert.strictEqual((yield* patch({ nothing: 1 })).status, 400)
      assert.isFalse(yield* buttonHolds)
      assert.strictEqual((yield* http(port, "/button", { method: "POST" })).status, 200)
      assert.isTrue(yield* buttonHolds)
    }).pipe(Effect.provide(layer({ port: 0, controlPort: any }))),
  )
})

const Announced = Schema.Struct({ name: Schema.String, type: Schema.String, data: Schema.Unknown })

describe("the announcement", () => {
  it.scopedLive("tells who asks for the service where the meter is, and what it is", () =>
    Effect.gen(function* () {
      const { port, serial } = yield* MeterEndpoint
      const asker = yield* Effect.acquireRelease(
        Effect.sync(() => makeMdns({ interface: "127.0.0.1", bind: "0.0.0.0" })),
        (mdns) => Effect.async<undefined>((resume) => mdns.destroy(() => resume(Effect.succeed(undefined)))),
      )
      const answers = yield* Effect.async<ReadonlyArray<unknown>>((resume) => {
        asker.on("response", ({ answers }) => {
          if (answers?.some(({ name, type }) => type === "PTR" && name === "_homewizard._tcp.local") === true) {
            resume(Effect.succeed(answers))
          }
        })
        asker.query("_homewizard._tcp.local", "PTR")
      }).pipe(Effect.timeout("5 seconds"))
      const records = yield* Schema.decodeUnknown(Schema.Array(Announced))(answers)
      const of = (type: string) => records.find((record) => record.type === type)
      const instance = `p1meter-${serial.slice(-6)}`
      assert.strictEqual(of("SRV")?.name, `${instance}._homewizard._tcp.local`)
      assert.deepInclude(of("SRV")?.data, { target: `${instance}.local`, port })
      assert.deepInclude(of("A"), { name: `${instance}.local`, data: "127.0.0.1" })
      const texts = (of("TXT")?.data as ReadonlyArray<Buffer>).map(String)
      assert.includeMembers(texts, [
        "api_version=2.3.0",
        `id=appliance/p1dongle/${serial}`,
        `serial=${serial}`,
        "product_type=HWE-P1",
        "product_name=P1 Meter",
      ])
    }).pipe(Effect.provide(layer({ port: 0, announce: true }))),
  )
})
