import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option, Schema } from "effect"
import { ExternalMeasurement, instantsOfStamp, Measurement, normalize } from "../../src/domain/index.ts"
import { initialState, makeEngine, makeHousehold } from "../../src/simulator/index.ts"
import { secondOf, serial, zone } from "./support.ts"

const household = makeHousehold({ seed: 1, zone })
const engineAt = (iso: string) => makeEngine({ household, serial, origin: initialState(household, secondOf(iso)) })
const readAt = (iso: string) => engineAt(iso).measurementAtSecond(secondOf(iso))
const brussels = DateTime.zoneUnsafeMakeNamed(zone)

describe("the measurement", () => {
  it.effect("is what the domain understands, whole", () =>
    Effect.gen(function* () {
      const json = readAt("2026-06-02T10:07:05Z")
      const measurement = yield* Schema.decodeUnknown(Measurement)(JSON.parse(JSON.stringify(json)))
      const given = Object.values(measurement).filter((value) => value !== null)
      assert.strictEqual(given.length, Object.keys(json).length)
      const now = DateTime.unsafeMake("2026-06-02T10:07:06Z")
      const sample = yield* normalize(measurement, {
        zone: brussels,
        edge: { now, trusted: true },
        previous: Option.none(),
      })
      assert.strictEqual(DateTime.formatIso(sample.ts), "2026-06-02T10:07:05.000Z")
      assert.strictEqual(sample.tsSource, "meter")
      assert.isTrue(sample.monthlyPowerPeakTs !== null && DateTime.lessThan(sample.monthlyPowerPeakTs, now))
      assert.deepStrictEqual(
        sample.external?.map(({ kind, unit }) => [kind, unit]),
        [
          ["gas_meter", "m3"],
          ["water_meter", "m3"],
        ],
      )
    }),
  )

  it("gives totals that are the sum of the tariffs, and what a Belgian meter gives only", () => {
    const json = readAt("2026-06-02T10:07:05Z")
    const sum = (a: number | null | undefined, b: number | null | undefined) =>
      Math.round(((a ?? NaN) + (b ?? NaN)) * 1000) / 1000
    assert.strictEqual(json.energy_import_kwh, sum(json.energy_import_t1_kwh, json.energy_import_t2_kwh))
    assert.strictEqual(json.energy_export_kwh, sum(json.energy_export_t1_kwh, json.energy_export_t2_kwh))
    assert.strictEqual(json.protocol_version, 50)
    for (const absent of ["energy_import_t3_kwh", "voltage_v", "frequency_hz", "any_power_fail_count"]) {
      assert.notProperty(json, absent)
    }
  })

  it.effect("reads gas and water every five minutes, with stamps of their own", () =>
    Effect.gen(function* () {
      const engine = engineAt("2026-06-02T05:00:00Z")
      const start = secondOf("2026-06-02T05:00:00Z")
      const readings: Array<Map<string, number>> = [new Map(), new Map()]
      for (let second = start; second < start + 3600; second++) {
        const external = yield* Schema.decodeUnknown(Schema.Array(ExternalMeasurement))(
          engine.measurementAtSecond(second).external,
        )
        external.forEach(({ timestamp, value }, i) => {
          const known = readings[i]?.get(timestamp)
          if (known !== undefined) assert.strictEqual(value, known)
          readings[i]?.set(timestamp, value)
          const age = second - (instantsOfStamp(timestamp, brussels)[0]?.epochMillis ?? NaN) / 1000
          assert.isTrue(age >= 0 && age < 300)
        })
      }
      for (const byStamp of readings) {
        assert.strictEqual(byStamp.size, 13)
        const values = [...byStamp.values()]
        assert.deepStrictEqual(
          [...values].sort((a, b) => a - b),
          values,
        )
        assert.isAbove(values.at(-1) ?? 0, values[0] ?? 0)
      }
      assert.notDeepEqual([...(readings[0]?.keys() ?? [])], [...(readings[1]?.keys() ?? [])])
    }),
  )

  it("leaves out an hour in spring and tells one twice in autumn", () => {
    const spring = engineAt("2026-03-29T00:59:59Z")
    const autumn = engineAt("2026-10-24T23:59:59Z")
    const stamps = (engine: typeof spring, isos: ReadonlyArray<string>) =>
      isos.map((iso) => engine.measurementAtSecond(secondOf(iso)).timestamp)
    assert.deepStrictEqual(stamps(spring, ["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"]), [
      "2026-03-29T01:59:59",
      "2026-03-29T03:00:00",
    ])
    assert.deepStrictEqual(
      stamps(autumn, ["2026-10-25T00:00:00Z", "2026-10-25T00:59:59Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"]),
      ["2026-10-25T02:00:00", "2026-10-25T02:59:59", "2026-10-25T02:00:00", "2026-10-25T03:00:00"],
    )
  })
})
