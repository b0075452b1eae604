import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, LogLevel, Schema } from "effect"
import { Realtime } from "../../src/domain/index.ts"
import * as Screen from "../../src/start/Screen.ts"
import { statusLine } from "../../src/start/StatusLine.ts"

const output = (isTTY: boolean) => {
  const written: Array<string> = []
  return { written, isTTY, columns: 30, write: (text: string) => written.push(text) }
}

const realtime = (over: Record<string, unknown> = {}) =>
  Schema.decodeUnknownSync(Realtime)({
    device_id: "home",
    ts: "2026-01-15T12:05:00Z",
    age_s: 1,
    stale: false,
    power_w: 1234,
    import_power_w: 1234,
    energy_import_kwh: 1,
    energy_export_kwh: 0,
    tariff: 1,
    ...Object.fromEntries(
      ["power_l1_w", "power_l2_w", "power_l3_w", "voltage_l1_v", "voltage_l2_v", "voltage_l3_v"].map((key) => [
        key,
        null,
      ]),
    ),
    ...Object.fromEntries(["current_l1_a", "current_l2_a", "current_l3_a"].map((key) => [key, null])),
    quarter: {
      start: "2026-01-15T12:00:00Z",
      end: "2026-01-15T12:15:00Z",
      elapsed_s: 305,
      energy_import_kwh: 0.1,
      start_source: "register",
      average_w: 1200.4,
      certain_w: 400,
      projected_w: 1229.6,
      allowance_w: 3000,
      meter_w: null,
      difference_w: null,
      coverage: 1,
    },
    month: { month: "2026-01", peak_w: null, peak_ts: null, source: null },
    ...over,
  })

describe("the status line", () => {
  const progress = { taken: 42, waiting: 1, uploaded: 41 }

  it("says watts, the running quarter-hour and what became of the samples", () => {
    expect(statusLine(realtime(), progress)).toBe(
      "1,234 W from the grid · quarter-hour 5:05 at 1,200 W → 1,230 W · taken 42 · spooled 1 · uploaded 41",
    )
    expect(statusLine(realtime({ power_w: -800 }), progress)).toContain("800 W to the grid")
  })

  it("says when there is nothing to show", () => {
    expect(statusLine(null, progress)).toBe("waiting for the first sample · taken 42 · spooled 1 · uploaded 41")
    expect(statusLine(realtime({ stale: true }), progress)).toBe(
      "the meter is silent · taken 42 · spooled 1 · uploaded 41",
    )
  })
})

describe("the screen", () => {
  it.effect("keeps the status line below the lines on a terminal, and clears it at the end", () =>
    Effect.gen(function* () {
      const terminal = output(true)
      yield* Effect.gen(function* () {
        const screen = yield* Screen.Screen
        yield* screen.status("a status that is longer than the terminal is wide")
        yield* screen.line("a line")
      }).pipe(Effect.provide(Screen.layer(terminal)))
      expect(terminal.written).toEqual([
        "\r\u001b[2Ka status that is longer than ",
        "\r\u001b[2Ka line\n\r\u001b[2Ka status that is longer than ",
        "\r\u001b[2K",
      ])
    }),
  )

  it.effect("writes plain lines where there is no terminal", () =>
    Effect.gen(function* () {
      const file = output(false)
      yield* Effect.gen(function* () {
        const screen = yield* Screen.Screen
        yield* screen.status("status")
        yield* screen.line("line")
      }).pipe(Effect.provide(Screen.layer(file)))
      expect(file.written).toEqual(["status\n", "line\n"])
    }),
  )

  it.effect("shows log records of the level asked for, without breaking the status line", () =>
    Effect.gen(function* () {
      const terminal = output(true)
      yield* Effect.logInfo("quiet").pipe(
        Effect.zipRight(Effect.logWarning("loud")),
        Effect.provide(Layer.provide(Screen.layerLogger(LogLevel.Warning), Screen.layer(terminal))),
      )
      expect(terminal.written.join("")).toContain("message=loud")
      expect(terminal.written.join("")).not.toContain("quiet")
    }),
  )
})
