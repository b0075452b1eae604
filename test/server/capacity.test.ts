import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { describe, expect, it, layer } from "@effect/vitest"
import { Clock, DateTime, Effect, Exit, Layer, Option } from "effect"
import {
  addMonths,
  computedPeak,
  expandQuarterHours,
  flemishZones,
  gatherFacts,
  monthOf,
  quarterHourMs,
  quarterHourOf,
  rangeOfMonth,
  tariffs2025And2026,
} from "../../src/domain/index.ts"
import { Store } from "../../src/domain/ports/index.ts"
import * as TariffFile from "../../src/infra/tariff-file/index.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { call, layerServer, memoryPorts, Running, send } from "./support/server.ts"

const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const exampleYear = [632, 4600, 1, 1028, 3444, 4164, 4564, 6000, 9200, 5000, 4120, 4880]

/** The prices of 2026 for ever, as an operator would give them. */
const everlasting = {
  capacity: tariffs2025And2026.capacity
    .filter(({ validFrom }) => validFrom === "2026-01-01")
    .map(({ eurPerKwh, eurPerKwYear, zone }) => ({
      zone,
      valid_from: "2020-01-01",
      valid_to: "2099-12-31",
      eur_per_kw_year: eurPerKwYear,
      eur_per_kwh: eurPerKwh,
    })),
  maximum: [{ valid_from: "2020-01-01", valid_to: "2099-12-31", eur_per_kwh: 0.32 }],
}
const fileWith = (content: unknown) =>
  Effect.flatMap(temporaryFolder, (folder) =>
    Effect.promise(async () => {
      const file = join(folder, "tariffs.json")
      await writeFile(file, JSON.stringify(content))
      return file
    }),
  )
const tariffs = Layer.unwrapScoped(Effect.map(fileWith(everlasting), TariffFile.layer)).pipe(
  Layer.provide(NodeContext.layer),
  Layer.orDie,
)

describe("a file of tariffs", () => {
  const refused = [
    { content: {}, reason: /capacity: is missing/ },
    {
      content: { ...everlasting, maximum: [{ valid_from: "2026-02-30", valid_to: "2026-12-31", eur_per_kwh: 1 }] },
      reason: /maximum\.0\.valid_from/,
    },
  ]
  it.scopedLive.each(refused)("is refused in a sentence where it is wrong: $reason", ({ content, reason }) =>
    Effect.gen(function* () {
      const file = yield* fileWith(content)
      const exit = yield* Effect.exit(Layer.build(Layer.provide(TariffFile.layer(file), NodeContext.layer)))
      expect(Exit.isFailure(exit) && JSON.stringify(exit.cause)).toMatch(reason)
    }),
  )

  it("knows all eight zones", () => {
    expect(everlasting.capacity.map(({ zone }) => zone)).toEqual([...flemishZones])
  })
})

layer(layerServer(Layer.merge(memoryPorts, tariffs)), { excludeTestServices: true })("capacity", (it) => {
  it.effect("bills the last 12 closed months by the regulator's example, and says what it costs", () =>
    Effect.gen(function* () {
      const { homeReader } = yield* Running
      const store = yield* Store
      const running = monthOf(yield* Clock.currentTimeMillis, brussels)
      for (const [i, watts] of exampleYear.entries()) {
        yield* store.setManualPeak("home", addMonths(running, i - 12), Option.some(watts))
      }
      const unknown = (yield* call("/v1/capacity", { token: homeReader })).json
      expect(unknown).toMatchObject({
        country: "BE",
        grid_zone: null,
        region: "unknown",
        costs: null,
        without_costs: expect.stringMatching(/^No grid zone is set/),
      })

      yield* store.setPlace("home", { country: "BE", gridZone: "antwerpen" })
      // Another address each time: an answer of the same is kept for a second.
      const { json } = yield* call("/v1/capacity?vat=6", { token: homeReader })
      expect(json).toMatchObject({
        region: "flanders",
        billed_to_date_kw: expect.closeTo(4.456, 3),
        projected_kw: expect.closeTo((4.456 * 12 - 2.5) / 11, 2),
        import_kwh: null,
        without_costs: null,
        costs: {
          grid_zone: "antwerpen",
          vat_percent: 6,
          to_date: {
            total_eur: expect.closeTo(220.14, 1),
            total_with_vat_eur: expect.closeTo(233.35, 1),
            month_with_vat_eur: expect.closeTo(19.45, 2),
            ceiling_eur: null,
          },
        },
      })
      const { months } = json as { months: ReadonlyArray<Record<string, unknown>> }
      expect(months).toHaveLength(13)
      expect(months[0]).toMatchObject({ source: "manual", manual_peak_w: 632, billed_peak_w: 2500, final: true })
      expect(months[12]).toMatchObject({ month: running, status: "running", monthly_peak_w: null })

      const business = yield* call("/v1/capacity?vat=21", { token: homeReader })
      expect(business.json).toMatchObject({ costs: { to_date: { total_with_vat_eur: expect.closeTo(266.37, 1) } } })
      yield* store.setPlace("home", { country: "NL", gridZone: null })
      expect((yield* call("/v1/capacity?vat=0", { token: homeReader })).json).toMatchObject({
        region: "netherlands",
        costs: null,
        without_costs: expect.stringMatching(/^The Netherlands bill a fixed amount/),
      })
    }),
  )

  it.effect("shows a typed peak beside what the meter and the quarter-hours say", () =>
    Effect.gen(function* () {
      const { barn, bothReader } = yield* Running
      const store = yield* Store
      const { fromMs } = rangeOfMonth("2024-05", brussels)
      const at = (minute: number) => new Date(fromMs + minute * 60_000).toISOString()
      const samples = Array.from({ length: 61 }, (_, minute) => ({
        ts: at(minute),
        power_w: 6000,
        energy_import_kwh: 100 + minute / 10,
        average_power_15m_w: (minute % 15) * 400,
        monthly_power_peak_w: minute >= 15 ? 5990 : null,
        monthly_power_peak_ts: minute >= 15 ? at(15) : null,
        external: [
          {
            id: "G1",
            kind: "gas_meter",
            ts: at(minute - (minute % 5)),
            value: 10 + (minute - (minute % 5)) / 100,
            unit: "m3",
          },
        ],
      }))
      yield* send(barn, { samples })
      yield* store.setManualPeak("barn", "2024-05", Option.some(6100))
      const { json } = yield* call("/v1/capacity/month/2024-05?device_id=barn&top=1", { token: bothReader })
      expect(json).toMatchObject({
        source: "manual",
        monthly_peak_w: 6100,
        manual_peak_w: 6100,
        meter_peak_w: 5990,
        import_peak_w: null,
        computed_peak_w: 6000,
        difference_w: -10,
        incomplete: false,
        final: true,
      })

      // From the samples alone, from what is stored of them, and from the cache: one answer.
      const points = samples.map(({ energy_import_kwh, power_w, ts }) => ({
        tsMs: Date.parse(ts),
        importKwh: energy_import_kwh,
        exportKwh: null,
        powerW: power_w,
      }))
      const rows = [0, 1, 2, 3, 4].flatMap((n) => {
        const facts = gatherFacts(points, fromMs + n * quarterHourMs)
        return facts === null ? [] : [quarterHourOf(facts)]
      })
      const fromScratch = Option.getOrThrow(computedPeak(expandQuarterHours(rows, -Infinity, Infinity)))
      expect(json).toMatchObject({
        computed_peak_w: fromScratch.peakW,
        computed_peak_ts: new Date(fromScratch.peakTsMs ?? 0).toISOString(),
      })
      const again = yield* call("/v1/capacity/month/2024-05?device_id=barn&top=1", { token: bothReader })
      const anew = yield* call("/v1/capacity/month/2024-05?top=1&device_id=barn", { token: bothReader })
      expect([again.json, anew.json]).toEqual([json, json])
    }),
  )

  const csv = { accept: "text/csv" }
  it.effect("gives quarter-hours and series as JSON, and as CSV where that is accepted", () =>
    Effect.gen(function* () {
      const { bothReader } = yield* Running
      const read = (path: string, headers = {}) => call(path, { token: bothReader, headers })
      const quarters = yield* read("/v1/quarters?device_id=barn&from=2024-05-01&to=2024-05-02")
      expect(quarters.json).toMatchObject({
        from: "2024-04-30T22:00:00.000Z",
        to: "2024-05-01T22:00:00.000Z",
        quarters: [
          { start: "2024-04-30T22:00:00.000Z", avg_power_w: 6000, energy_import_kwh: 1.5, method: "register" },
          { avg_power_w: 6000 },
          { avg_power_w: 6000 },
          { avg_power_w: 6000 },
          { avg_power_w: 0, eligible: false },
        ],
      })
      const text = yield* read("/v1/quarters?device_id=barn&from=2024-05-01&to=2024-05-02", csv)
      expect(text.headers.get("content-type")).toMatch(/^text\/csv/)
      const lines = text.text.trim().split("\n")
      expect(lines).toHaveLength(6)
      expect(lines[0]).toBe(
        "start,avg_power_w,low_w,high_w,max_power_w,energy_import_kwh,energy_export_kwh,coverage,method,eligible",
      )
      expect(lines[1]).toMatch(/^2024-04-30T22:00:00.000Z,6000,\d+,6008,6000,1.5,0,1,register,true$/)

      const year = yield* read("/v1/series?device_id=barn&from=2024-01-01&to=2025-01-01&bucket=year")
      expect(year.json).toMatchObject({
        kind: "energy",
        bucket: "year",
        frame: null,
        series: [{ energy_import_kwh: 6 }],
      })
      const fine = yield* read("/v1/series?device_id=barn&from=2024-05-01&to=2024-05-02&bucket=15m", csv)
      expect(fine.text.trim().split("\n")).toHaveLength(6)

      const minutes = yield* read("/v1/series?device_id=barn&from=2024-05-01&to=2024-05-02&bucket=minute")
      const curve = minutes.json as { kind: string; series: ReadonlyArray<Record<string, unknown>> }
      expect(curve.kind).toBe("power")
      expect(curve.series).toHaveLength(61)
      expect(curve.series[0]).toMatchObject({ avg_power_w: 6000, min_power_w: 6000, power_l1_w: null, sample_count: 1 })

      const gas = yield* read("/v1/series?device_id=barn&frame=day&at=2024-05-01&meter=G1")
      expect(gas.json).toMatchObject({ kind: "meter", meter: "G1", unit: "m3", series: [{ used: 0.6 }] })
    }),
  )

  it.effect("says in a sentence what cannot be asked for", () =>
    Effect.gen(function* () {
      const { bothReader } = yield* Running
      const message = (path: string) =>
        Effect.map(call(path, { token: bothReader }), ({ json, status }) => [
          status,
          (json as { errors: ReadonlyArray<{ path: string; message: string }> }).errors[0],
        ])
      expect(yield* message("/v1/series?device_id=barn")).toEqual([400, { path: "frame", message: expect.any(String) }])
      expect(yield* message("/v1/series?device_id=barn&from=2024-05-01")).toEqual([
        400,
        { path: "bucket", message: expect.stringMatching(/^expected with from/) },
      ])
      expect(yield* message("/v1/series?device_id=barn&from=2024-05-01&to=2024-05-09&bucket=minute")).toEqual([
        400,
        { path: "to", message: "expected at most 2 days after from" },
      ])
      expect(yield* message("/v1/quarters?device_id=barn&from=2024-05-02&to=2024-05-01")).toEqual([
        400,
        { path: "to", message: "expected to be later than from" },
      ])
    }),
  )
})
