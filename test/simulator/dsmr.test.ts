import { assert, describe, it } from "@effect/vitest"
import { Context, DateTime, Effect, Layer, Option } from "effect"
import { parseTelegram } from "../../src/domain/index.ts"
import { advance, initialState, layer, MeterControls, SimulatedMeter } from "../../src/simulator/index.ts"
import { scripted, secondOf, zone } from "./support.ts"

const brussels = DateTime.zoneUnsafeMakeNamed(zone)
const meterAt = (iso: string) =>
  Effect.map(Layer.build(layer({ port: 0, startAt: Option.some(DateTime.unsafeMake(iso)) })), (context) => ({
    ...Context.get(context, SimulatedMeter),
    set: Context.get(context, MeterControls).set,
  }))

describe("the raw telegram", () => {
  it.scoped("is one that the edge understands, with the 13 months before", () =>
    Effect.gen(function* () {
      const { telegram } = yield* meterAt("2026-06-02T10:07:05Z")
      const text = Option.getOrThrow(yield* telegram)
      const parsed = yield* parseTelegram(text, brussels)
      assert.deepStrictEqual(Option.map(parsed.ts, DateTime.formatIso), Option.some("2026-06-02T10:07:05.000Z"))
      assert.deepStrictEqual(
        parsed.meteredPeaks.map(({ month }) => month),
        ["2025-05", "2025-06", "2025-07", "2025-08", "2025-09", "2025-10", "2025-11", "2025-12"].concat([
          "2026-01",
          "2026-02",
          "2026-03",
          "2026-04",
          "2026-05",
        ]),
      )
      for (const { month, peakTs, peakW } of parsed.meteredPeaks) {
        assert.isAbove(peakW, 2_500)
        assert.strictEqual(peakTs === null ? null : DateTime.formatIso(peakTs).slice(0, 7), month)
      }
      assert.match(text, /^0-0:96[.]14[.]0\(0001\)\r$/m)
      assert.match(text, /^0-0:1[.]0[.]0\(260602120705S\)\r$/m)
    }),
  )

  it.scoped("tells the repeated hour of autumn apart", () =>
    Effect.gen(function* () {
      const isos = ["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"]
      for (const iso of isos) {
        const { measurement, telegram } = yield* meterAt(iso)
        assert.strictEqual((yield* measurement).timestamp, "2026-10-25T02:30:00")
        const { ts } = yield* parseTelegram(Option.getOrThrow(yield* telegram), brussels)
        assert.deepStrictEqual(Option.map(ts, DateTime.formatIso), Option.some(iso))
      }
    }),
  )

  it.scoped("says nothing of peaks without the mandate, and is gone with the smart meter", () =>
    Effect.gen(function* () {
      const { set, telegram } = yield* meterAt("2026-06-02T10:07:05Z")
      yield* set({ peaks: "absent" })
      const { meteredPeaks } = yield* parseTelegram(Option.getOrThrow(yield* telegram), brussels)
      assert.deepStrictEqual(meteredPeaks, [])
      yield* set({ smartMeter: "never-seen" })
      assert.isTrue(Option.isNone(yield* telegram))
    }),
  )

  it("remembers the peak of a month that closes", () => {
    const household = scripted((second) => (second < secondOf("2026-05-31T21:45:00Z") ? 100 : 3_000))
    const state = advance(
      household,
      initialState(household, secondOf("2026-05-31T21:00:00Z")),
      secondOf("2026-05-31T22:00:01Z"),
    )
    const midnight = secondOf("2026-05-31T22:00:00Z")
    assert.deepStrictEqual(state.closed.at(-1), { closedSecond: midnight, peakW: 3_000, peakSecond: midnight })
    assert.lengthOf(state.closed, 13)
    assert.isNull(state.peakW)
  })
})
