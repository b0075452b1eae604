import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { Context, DateTime, Effect, Layer, Option, PubSub, Queue, TestClock } from "effect"
import { layer, MeterControls, MeterEndpoint, SimulatedMeter } from "../../src/simulator/index.ts"
import { askAs, ownToken, talk, talkAuthorized } from "./client.ts"

const Live = layer({ port: 0, speed: 20, startAt: Option.some(DateTime.unsafeMake("2026-06-02T10:00:00Z")) })
const measurementOf = (message: unknown) => {
  assert.deepInclude(message, { type: "measurement" })
  return (message as { readonly data: { readonly timestamp: string; readonly power_w: number } }).data
}
const error = (message: string) => ({ type: "error", data: { message } })
const typeOf = (message: unknown) => (message as { readonly type: string }).type

describe("a client that says nothing", () => {
  it.scoped("is let go after 40 seconds", () =>
    Effect.gen(function* () {
      const meter = Context.get(yield* Layer.build(layer({ port: 0 })), MeterEndpoint)
      const { hear } = yield* Effect.provideService(talk, MeterEndpoint, meter)
      yield* hear
      yield* TestClock.adjust("39 seconds")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* hear, "closed 1008")
    }),
  )
})

withLayer(Live, { excludeTestServices: true })("the meter over its WebSocket", (it) => {
  it.scoped("asks for the token, and tells each telegram once to those it let in", () =>
    Effect.gen(function* () {
      const ledger = yield* PubSub.subscribe((yield* SimulatedMeter).given)
      const { hear, say } = yield* talk
      assert.deepStrictEqual(yield* hear, { type: "authorization_requested", data: { api_version: "2.3.0" } })
      yield* say({ type: "authorization", data: yield* ownToken })
      assert.deepStrictEqual(yield* hear, { type: "authorized" })
      yield* say({ type: "subscribe", data: "measurement" })
      const first = Date.parse(measurementOf(yield* hear).timestamp)
      const stamps: Array<number> = []
      for (let i = 0; i < 40; i++) stamps.push(Date.parse(measurementOf(yield* hear).timestamp))
      assert.isAtLeast(stamps[0] ?? 0, first)
      assert.deepStrictEqual(
        stamps,
        stamps.map((_, i) => (stamps[0] ?? 0) + i * 1000),
      )
      assert.isAtLeast((yield* Queue.takeAll(ledger)).length, 41)
      yield* say({ type: "unsubscribe", data: "measurement" })
      yield* say({ type: "device" })
      assert.strictEqual(
        yield* hear.pipe(Effect.map(typeOf), Effect.repeat({ while: (type) => type === "measurement" })),
        "device",
      )
    }),
  )

  it.scoped("refuses who has no token, and hangs up", () =>
    Effect.gen(function* () {
      const attempts = ["NOTHING", { type: "authorization", data: "0" }, { type: "subscribe", data: "*" }]
      for (const attempt of attempts) {
        const { hear, say } = yield* talk
        yield* hear
        yield* say(attempt)
        assert.strictEqual(typeOf(yield* hear), "error")
        assert.strictEqual(yield* hear, "closed 1008")
      }
    }),
  )

  it.scoped("tells what it does not understand, and goes on", () =>
    Effect.gen(function* () {
      const { hear, say, ping } = yield* talkAuthorized
      const replies = [
        ["{", "request:invalid-json"],
        [{ type: "subscribe", data: "weather" }, "request:unknown-subscription"],
        [{ type: "subscribe", data: "batteries" }, "request:unknown-subscription"],
        [{ type: "weather" }, "request:unknown-type"],
        [
          { type: "system", data: { status_led_brightness_pct: 101 } },
          "json:parameter-invalid-type:status_led_brightness_pct",
        ],
        [{ type: "system", data: { uptime_s: 1 } }, "json:no-parameters-recognized"],
      ] as const
      for (const [message, code] of replies) {
        yield* say(message)
        assert.deepStrictEqual(yield* hear, error(code))
      }
      yield* ping
      assert.strictEqual(yield* hear, "pong")
    }),
  )

  it.scoped("tells the whole of a topic when it changes, to all who want to know", () =>
    Effect.gen(function* () {
      const one = yield* talkAuthorized
      const other = yield* talkAuthorized
      yield* one.say({ type: "subscribe", data: "system" })
      yield* other.say({ type: "subscribe", data: "user" })
      assert.deepInclude(yield* one.hear, { type: "system" })
      assert.deepStrictEqual(yield* other.hear, { type: "user", data: [{ name: "local/simulator", current: true }] })

      yield* askAs("/api/system", { method: "PUT", json: { cloud_enabled: false } })
      const { data, type } = (yield* one.hear) as { readonly type: string; readonly data: Record<string, unknown> }
      assert.strictEqual(type, "system")
      assert.deepInclude(data, { cloud_enabled: false, wifi_ssid: "Home", wifi_rssi_db: -58 })

      yield* Effect.flatMap(MeterControls, ({ pressButton }) => pressButton)
      yield* askAs("/api/user", { method: "POST", json: { name: "local/new" } })
      assert.deepStrictEqual(yield* other.hear, {
        type: "user",
        data: [{ name: "local/simulator", current: true }, { name: "local/new" }],
      })
    }),
  )

  it.scoped("has room for four clients", () =>
    Effect.gen(function* () {
      const talks = yield* Effect.replicateEffect(talkAuthorized, 4)
      const { hear } = yield* talk
      assert.strictEqual(yield* hear, "closed 1006")
      yield* talks[0]?.say({ type: "device" }) ?? Effect.void
      assert.strictEqual(typeOf(yield* talks[0]?.hear ?? Effect.void), "device")
    }),
  )
})
