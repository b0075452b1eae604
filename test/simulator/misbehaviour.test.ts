import { assert, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect, Option } from "effect"
import { parseTelegram } from "../../src/domain/index.ts"
import { layer, MeterControls, MeterEndpoint, peace, type Switches } from "../../src/simulator/index.ts"
import { ask, askAs, handshake, talkAuthorized } from "./client.ts"

const startAt = Option.some(DateTime.unsafeMake("2026-06-02T10:00:00Z"))
const Live = layer({ port: 0, speed: 10, startAt })

/** Switches for the length of an effect. */
const during = <A, E, R>(change: Partial<Switches>, use: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const { set } = yield* MeterControls
    return yield* Effect.acquireUseRelease(
      set(change),
      () => use,
      () => set(peace),
    )
  })

interface Measured {
  readonly unique_id?: string
  readonly timestamp?: string
  readonly energy_import_kwh?: number
  readonly energy_import_t1_kwh?: number
  readonly average_power_15m_w?: number | null
  readonly monthly_power_peak_w?: number | null
  readonly external?: ReadonlyArray<unknown>
}
const measured = Effect.map(askAs("/api/measurement"), ({ body }) => JSON.parse(body) as Measured)
const stampMs = ({ timestamp }: Measured) => Date.parse(timestamp ?? "")
const pause = Effect.sleep("250 millis")
const wellAgain = Effect.gen(function* () {
  const before = yield* measured
  yield* pause
  assert.isAbove(stampMs(yield* measured), stampMs(before))
})

withLayer(Live, { excludeTestServices: true })("a meter that misbehaves", (it) => {
  it.scoped("goes dead on open connections and answers no new one, and is well again", () =>
    Effect.gen(function* () {
      const { hear, heard, ping, say } = yield* talkAuthorized
      yield* say({ type: "subscribe", data: "measurement" })
      yield* hear
      yield* during(
        { network: "half-open" },
        Effect.gen(function* () {
          yield* pause
          const before = heard.length
          yield* ping
          yield* pause
          assert.strictEqual(heard.length, before)
          assert.isTrue(Option.isNone(yield* Effect.timeoutOption(askAs("/api"), "250 millis")))
        }),
      )
      const before = heard.length
      yield* pause
      assert.strictEqual(heard.length, before)
      yield* wellAgain
    }),
  )

  it.scoped("resets connections, open ones and new ones", () =>
    Effect.gen(function* () {
      const { hear } = yield* talkAuthorized
      yield* during(
        { network: "reset" },
        Effect.gen(function* () {
          assert.strictEqual(yield* hear, "closed 1006")
          assert.strictEqual(yield* Effect.flip(askAs("/api")), "ECONNRESET")
        }),
      )
      yield* wellAgain
    }),
  )

  it.scoped("is slow, gives half an object, or an error of its own, over both ways", () =>
    Effect.gen(function* () {
      const slow = askAs("/api").pipe(Effect.timeoutOption("200 millis"))
      assert.isTrue(Option.isNone(yield* during({ delayMs: 1_000 }, slow)))
      const { hear, say } = yield* talkAuthorized
      yield* during(
        { body: "garbage" },
        Effect.gen(function* () {
          const { body, status } = yield* askAs("/api/measurement")
          assert.strictEqual(status, 200)
          assert.throws(() => JSON.parse(body) as unknown)
          yield* say({ type: "device" })
          assert.isString(yield* hear)
        }),
      )
      const failed = yield* during({ body: "internal-error" }, askAs("/api/measurement"))
      assert.deepInclude(failed, { status: 500, body: '{"error":"request:internal-server-error"}' })
      yield* wellAgain
    }),
  )

  it.scoped("shows another key, another authority, another product", () =>
    Effect.gen(function* () {
      const { caPem, serial } = yield* MeterEndpoint
      const own = yield* handshake(caPem)
      assert.deepInclude(own, { authorized: true, CN: `appliance/p1dongle/${serial}` })
      const changed = yield* during({ certificate: "changed" }, handshake(caPem))
      assert.deepInclude(changed, { authorized: true, CN: own.CN })
      assert.notStrictEqual(changed.key, own.key)
      assert.deepInclude(yield* during({ certificate: "stranger" }, handshake(caPem)), {
        authorized: false,
        CN: own.CN,
      })
      assert.deepInclude(yield* during({ certificate: "another-product" }, handshake(caPem)), {
        authorized: true,
        CN: `appliance/energysocket/${serial}`,
      })
      assert.deepStrictEqual(yield* handshake(caPem), own)
    }),
  )

  it.scoped("replays its last telegram when the smart meter is lost, on every new connection once", () =>
    Effect.gen(function* () {
      yield* during(
        { smartMeter: "lost" },
        Effect.gen(function* () {
          const last = yield* measured
          const { hear, heard, say } = yield* talkAuthorized
          yield* say({ type: "subscribe", data: "measurement" })
          assert.deepStrictEqual(yield* hear, { type: "measurement", data: last })
          const before = heard.length
          yield* pause
          assert.deepStrictEqual(yield* measured, last)
          assert.strictEqual(heard.length, before)
        }),
      )
      yield* wellAgain
    }),
  )

  it.scoped("has no telegram while it never saw a smart meter", () =>
    during(
      { smartMeter: "never-seen" },
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* measured, {})
        const { body, status, type } = yield* askAs("/api/telegram")
        assert.strictEqual(status, 503)
        assert.strictEqual(body, "telegram:no-telegram-received")
        assert.match(type ?? "", /^text\/plain/)
      }),
    ),
  )

  it.scoped("has glitches in its register, a clock that is off, peaks that are gone, a sub-meter that is broken", () =>
    Effect.gen(function* () {
      const before = yield* measured
      const glitch = yield* during({ importOffsetWh: -62_000 }, measured)
      assert.closeTo((glitch.energy_import_kwh ?? 0) - (before.energy_import_kwh ?? 0), -62, 0.2)
      assert.closeTo((glitch.energy_import_t1_kwh ?? 0) - (before.energy_import_t1_kwh ?? 0), -62, 0.2)
      assert.isAbove(stampMs(yield* during({ clockOffsetS: 3_600 }, measured)) - stampMs(before), 3_599_000)
      const nulls = yield* during({ peaks: "null" }, measured)
      assert.isNull(nulls.average_power_15m_w)
      assert.isNull(nulls.monthly_power_peak_w)
      assert.notProperty(yield* during({ peaks: "absent" }, measured), "average_power_15m_w")
      assert.lengthOf((yield* during({ subMeters: "broken" }, measured)).external ?? [], 3)
      assert.lengthOf((yield* measured).external ?? [], 2)
      yield* wellAgain
    }),
  )

  it.scoped("is another meter, from zero", () =>
    Effect.gen(function* () {
      const before = yield* measured
      const other = yield* during({ meter: "replaced" }, measured)
      assert.notStrictEqual(other.unique_id, before.unique_id)
      assert.isBelow(other.energy_import_kwh ?? NaN, 0.2)
      const again = yield* measured
      assert.strictEqual(again.unique_id, before.unique_id)
      assert.isAtLeast(again.energy_import_kwh ?? 0, before.energy_import_kwh ?? NaN)
    }),
  )

  it.scoped("poses as a meter that lets everybody in, and garbles its telegram", () =>
    Effect.gen(function* () {
      const asStranger = Effect.all([ask("/api", { token: "0" }), askAs("/api/nothing")]).pipe(
        Effect.map((replies) => replies.map(({ status }) => status)),
      )
      assert.deepStrictEqual(yield* asStranger, [401, 404])
      assert.deepStrictEqual(yield* during({ impostor: true }, asStranger), [200, 200])
      const zone = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
      const { body } = yield* during({ telegram: "corrupt" }, askAs("/api/telegram"))
      assert.strictEqual(yield* Effect.flip(parseTelegram(body, zone)), "its checksum is wrong")
    }),
  )
})
