import { expect, it, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { quarterHourMs, quarterStartMs } from "../../src/domain/index.ts"
import { call, layerServer, memoryPorts, Running, send } from "./support/server.ts"

const at = (ms: number): string => new Date(ms).toISOString()

/** Registers at the edges of three quarter-hours: 1000, 500 and 300 Wh. */
const january = [
  { ts: "2024-01-15T10:00:00Z", power_w: 3_900, energy_import_kwh: 100 },
  { ts: "2024-01-15T10:15:00Z", power_w: 2_000, energy_import_kwh: 101 },
  { ts: "2024-01-15T10:30:00Z", power_w: 1_500, energy_import_kwh: 101.5 },
  { ts: "2024-01-15T10:45:00Z", power_w: 1_000, energy_import_kwh: 101.8 },
]

layer(layerServer(memoryPorts), { excludeTestServices: true })("a reader", (it) => {
  it.effect("is told which devices its token sees, and no others", () =>
    Effect.gen(function* () {
      const { bothReader, homeReader } = yield* Running
      const place = { country: "BE", grid_zone: null }
      const home = { device_id: "home", name: "Home", timezone: "Europe/Brussels", ...place }
      const barn = { device_id: "barn", name: "Barn", timezone: "Europe/Brussels", ...place }
      expect((yield* call("/v1/devices", { token: homeReader })).json).toEqual({ devices: [home] })
      expect((yield* call("/v1/devices", { token: bothReader })).json).toEqual({ devices: [barn, home] })
    }),
  )

  it.effect("is told in a sentence that a device has no samples", () =>
    Effect.gen(function* () {
      const { bothReader } = yield* Running
      for (const path of ["realtime?", "series?frame=all&", "capacity/month/2024-01?", "capacity/month/9999-12?"]) {
        const reply = yield* call(`/v1/${path}device_id=barn`, { token: bothReader })
        expect(reply.json).toMatchObject({ status: 404, detail: expect.stringMatching(/^[A-Z].*\.$/) })
      }
      const empty = yield* call("/v1/series?frame=day&device_id=barn", { token: bothReader })
      expect(empty.json).toMatchObject({ device_id: "barn", series: [] })
    }),
  )

  it.effect("sees the running quarter-hour of a device in figures", () =>
    Effect.gen(function* () {
      const { barn, bothReader } = yield* Running
      const startMs = quarterStartMs(yield* Clock.currentTimeMillis) - quarterHourMs
      const sample = (s: number, kwh: number) => ({
        ts: at(startMs + s * 1000),
        power_w: 1_200,
        energy_import_kwh: kwh,
      })
      yield* send(barn, { samples: [sample(0, 50), sample(60, 50.02)] })
      const reply = yield* call("/v1/realtime?device_id=barn", { token: bothReader })
      // 20 Wh in 60 s, 2 of them uncertain: 1200 W so far, 72 W for certain, 1200 W if it goes on; 605 of 625 Wh are
      // left for 840 s.
      expect(reply.json).toMatchObject({
        device_id: "barn",
        ts: at(startMs + 60_000),
        stale: true,
        power_w: 1_200,
        import_power_w: 1_200,
        energy_import_kwh: 50.02,
        energy_export_kwh: null,
        quarter: {
          start: at(startMs),
          end: at(startMs + quarterHourMs),
          elapsed_s: 60,
          energy_import_kwh: 0.02,
          average_w: 1_200,
          certain_w: 72,
          projected_w: 1_200,
          allowance_w: 2_592,
          coverage: 1,
        },
        month: { peak_w: null, peak_ts: null, source: null },
      })
    }),
  )

  it.effect("is not shown a sample that lies more than a minute ahead as the latest", () =>
    Effect.gen(function* () {
      const { barn, bothReader } = yield* Running
      const nowMs = Math.floor((yield* Clock.currentTimeMillis) / 1000) * 1000
      const sent = yield* send(barn, {
        samples: [
          { ts: at(nowMs), power_w: 100 },
          { ts: at(nowMs + 300_000), power_w: 200 },
        ],
      })
      expect(sent.json).toMatchObject({ inserted: 2 })
      const reply = yield* call("/v1/realtime?device_id=barn", { token: bothReader })
      expect(reply.json).toMatchObject({ ts: at(nowMs), power_w: 100 })
    }),
  )

  it.effect("sees a month's peaks, highest first, and what is billed", () =>
    Effect.gen(function* () {
      const { home, homeReader } = yield* Running
      const month = call("/v1/capacity/month/2024-01?top=2", { token: homeReader })
      yield* send(home, { samples: january })
      const computed = {
        device_id: "home",
        month: "2024-01",
        timezone: "Europe/Brussels",
        status: "closed",
        final: false,
        monthly_peak_w: 4_000,
        monthly_peak_ts: "2024-01-15T10:15:00.000Z",
        source: "computed",
        incomplete: true,
        manual_peak_w: null,
        import_peak_w: null,
        import_peak_ts: null,
        meter_peak_w: null,
        meter_peak_ts: null,
        computed_peak_w: 4_000,
        computed_peak_ts: "2024-01-15T10:15:00.000Z",
        difference_w: null,
        billed_peak_w: 4_000,
        coverage: 0,
      }
      expect((yield* month).json).toEqual({
        ...computed,
        peaks: [
          {
            bucket: "2024-01-15T10:00:00.000Z",
            avg_power_w: 4_000,
            low_w: 0,
            high_w: 4_008,
            energy_import_kwh: 1,
            coverage: 0,
            method: "register",
            eligible: true,
          },
          expect.objectContaining({ bucket: "2024-01-15T10:15:00.000Z", avg_power_w: 2_000 }),
        ],
      })

      const peak = { monthly_power_peak_w: 4_100, monthly_power_peak_ts: "2024-01-15T10:15:00Z" }
      yield* send(home, { samples: [{ ts: "2024-01-15T10:45:01Z", power_w: 900, energy_import_kwh: 101.8, ...peak }] })
      const metered = {
        ...computed,
        monthly_peak_w: 4_100,
        source: "meter",
        meter_peak_w: 4_100,
        meter_peak_ts: "2024-01-15T10:15:00.000Z",
        difference_w: 100,
        billed_peak_w: 4_100,
      }
      expect((yield* month).json).toMatchObject({ ...metered, coverage: expect.any(Number) })

      yield* send(home, { samples: [{ ts: "2024-01-31T23:00:10Z", power_w: 900, energy_import_kwh: 101.8, ...peak }] })
      expect((yield* month).json).toMatchObject({ source: "meter", final: true })
    }),
  )

  it.effect("sees a month as running while it lasts, and bills no less than 2,500 W", () =>
    Effect.gen(function* () {
      const { barn, bothReader } = yield* Running
      const samples = Array.from({ length: 16 }, (_, minute) => ({
        ts: at(Date.UTC(2024, 2, 1, 10, minute)),
        power_w: 400,
        energy_import_kwh: 20 + minute / 150,
      }))
      yield* send(barn, { samples })
      const march = yield* call("/v1/capacity/month/2024-03?device_id=barn", { token: bothReader })
      expect(march.json).toMatchObject({
        monthly_peak_w: 400,
        billed_peak_w: 2_500,
        coverage: expect.closeTo(1 / 2_972, 6),
      })
      const now = new Date(yield* Clock.currentTimeMillis)
      yield* send(barn, { samples: [{ ts: now.toISOString(), power_w: 1 }] })
      const local = new Intl.DateTimeFormat("sv", { timeZone: "Europe/Brussels" }).format(now)
      const running = yield* call(`/v1/capacity/month/${local.slice(0, 7)}?device_id=barn`, { token: bothReader })
      expect(running.json).toMatchObject({ status: "running", final: false })
    }),
  )

  it.effect("sees a day by hour and all time by month, adding up to the registers", () =>
    Effect.gen(function* () {
      const { home, homeReader } = yield* Running
      const before = { ts: "2023-12-31T22:30:00Z", power_w: 0, energy_import_kwh: 99 }
      yield* send(home, { samples: [before, ...january] })
      const day = yield* call("/v1/series?frame=day&at=2024-01-15", { token: homeReader })
      expect(day.json).toMatchObject({
        device_id: "home",
        frame: "day",
        from: "2024-01-14T23:00:00.000Z",
        to: "2024-01-15T23:00:00.000Z",
        timezone: "Europe/Brussels",
        bucket: "hour",
      })
      expect(day.json).toHaveProperty("series.11", {
        bucket: "2024-01-15T10:00:00.000Z",
        avg_power_w: 1_800,
        max_power_w: 3_900,
        energy_import_kwh: 1.8,
        energy_export_kwh: 0,
        peak_quarter_w: 4_000,
        coverage: expect.closeTo(1 / 3600, 6),
      })
      const all = yield* call("/v1/series?frame=all", { token: homeReader })
      expect(all.json).toMatchObject({ from: "2023-12-31T22:30:00.000Z", bucket: "month" })
      const months = (all.json as { series: ReadonlyArray<{ energy_import_kwh: number }> }).series
      expect(months.reduce((sum, { energy_import_kwh }) => sum + energy_import_kwh, 0)).toBeCloseTo(2.8, 9)
    }),
  )
})

it.live("is told of a quarter-hour that began unseen by what the meter had counted at its first sample", () =>
  Effect.gen(function* () {
    const { home, homeReader } = yield* Running
    const startMs = Date.UTC(2024, 0, 15, 10)
    const sample = (s: number, energy_import_kwh: number, average_power_15m_w: number) => ({
      ts: at(startMs + s * 1000),
      power_w: 6_000,
      energy_import_kwh,
      average_power_15m_w,
    })
    yield* send(home, { samples: [sample(300, 50, 2_000), sample(350, 50.083, 2_333), sample(400, 50.166, 2_666)] })
    const reply = yield* call("/v1/realtime", { token: homeReader })
    expect(reply.json).toMatchObject({ quarter: { start_source: "meter", energy_import_kwh: 0.666, difference_w: 2 } })
  }).pipe(Effect.provide(layerServer(memoryPorts))),
)
