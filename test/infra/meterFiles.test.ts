import { describe, expect, it } from "@effect/vitest"
import { DateTime, Effect } from "effect"
import type { ImportedQuarter } from "../../src/domain/index.ts"
import { readDsmrReader, readFluvius, readHomeWizard } from "../../src/infra/meter-files/index.ts"

const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const startOf = ({ startMs }: ImportedQuarter) => new Date(startMs).toISOString()
const brief = (quarters: ReadonlyArray<ImportedQuarter>) =>
  quarters.map((quarter) => [startOf(quarter), quarter.energyImportWh, quarter.energyExportWh])

const dutch =
  "\uFEFFVan (datum);Van (tijdstip);Tot (datum);Tot (tijdstip);EAN-code;Meter;Metertype;Register;Volume;Eenheid;Validatiestatus;Omschrijving"
const english =
  "From (date);From (time);Until (date);Until (time);EAN code;Meter;Meter type;Register;Volume;Unit;Validation status;Description"

interface Row {
  readonly from: string
  readonly to: string
  readonly register: string
  readonly volume: string
  readonly status?: string
  readonly date?: string
  readonly unit?: string
}

const fluvius = (header: string, rows: ReadonlyArray<Row>): string =>
  [
    header,
    ...rows.map(
      ({ date = "15-01-2026", from, register, status = "Uitgelezen", to, unit = "kWh", volume }) =>
        `${date};${from}:00;${date};${to}:00;="541448820052377134";1SAG12;Digitale meter;${register};${volume};${unit};${status};`,
    ),
  ].join("\r\n")

describe("the grid operator's file", () => {
  it.effect("in Dutch: day and night add up, offtake and injection go together, an empty volume says nothing", () =>
    Effect.gen(function* () {
      const text = fluvius(dutch, [
        { from: "06:45", to: "07:00", register: "Afname Nacht", volume: "0,250" },
        { from: "06:45", to: "07:00", register: "Injectie Nacht", volume: "0,000" },
        { from: "07:00", to: "07:15", register: "Afname Dag", volume: "1,173", status: "Gevalideerd" },
        { from: "07:00", to: "07:15", register: "Afname Nacht", volume: "0,002", status: "Gevalideerd" },
        { from: "07:15", to: "07:30", register: "Afname Dag", volume: "", status: "Geen verbruik" },
        { from: "07:30", to: "07:45", register: "Afname Dag", volume: "0,5", status: "Geschat" },
        { from: "07:30", to: "07:45", register: "Afname Reactief", volume: "0,1", unit: "kVArh" },
        { from: "07:45", to: "08:00", register: "Injectie Dag", volume: "0,1" },
      ])
      const { quarters, rows, skipped } = yield* readFluvius(text, brussels)
      expect(rows).toBe(8)
      expect(brief(quarters)).toEqual([
        ["2026-01-15T05:45:00.000Z", 250, 0],
        ["2026-01-15T06:00:00.000Z", 1175, null],
        ["2026-01-15T06:30:00.000Z", 500, null],
      ])
      expect(quarters.map(({ validated }) => validated)).toEqual([true, true, false])
      expect(skipped).toEqual({
        "no volume": 1,
        "neither offtake nor injection in kWh": 1,
        "injection without offtake": 1,
      })
    }),
  )

  it.effect("in English, with slashes, and by hour", () =>
    Effect.gen(function* () {
      const date = "22/10/2025"
      const text = fluvius(english, [
        { date, from: "00:00", to: "00:15", register: "Offtake Night", volume: "0,173", status: "Read" },
        { date, from: "00:00", to: "00:15", register: "Injection Night", volume: "0,001", status: "Read" },
        { date, from: "01:00", to: "02:00", register: "Offtake Night", volume: "1,001", status: "Validated" },
      ])
      const { quarters } = yield* readFluvius(text, brussels)
      expect(brief(quarters)).toEqual([
        ["2025-10-21T22:00:00.000Z", 173, 1],
        ["2025-10-21T23:00:00.000Z", 250, null],
        ["2025-10-21T23:15:00.000Z", 251, null],
        ["2025-10-21T23:30:00.000Z", 250, null],
        ["2025-10-21T23:45:00.000Z", 250, null],
      ])
      expect(quarters.map(({ spanS }) => spanS)).toEqual([900, 3600, 3600, 3600, 3600])
    }),
  )

  const night = (times: ReadonlyArray<readonly [string, string]>, date: string): ReadonlyArray<Row> =>
    times.flatMap(([from, to], i) => [
      { date, from, to, register: "Afname Nacht", volume: `0,${String(100 + i)}` },
      { date, from, to, register: "Injectie Nacht", volume: "0,000" },
    ])
  const quartersOfHour = (hour: number) =>
    [0, 15, 30, 45].map((minute) => `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`)

  it.effect.each([false, true])(
    "tells the repeated hour of autumn apart, whichever way it is sorted: %s",
    (descending) =>
      Effect.gen(function* () {
        const starts = [...quartersOfHour(1), ...quartersOfHour(2), ...quartersOfHour(2), ...quartersOfHour(3)]
        const times = starts.map((from, i) => [from, starts[i + 1] ?? "04:00"] as const)
        const [header = "", ...lines] = fluvius(dutch, [
          ...night([["00:45", "01:00"]], "24-10-2026"),
          ...night(times, "25-10-2026"),
        ]).split("\r\n")
        const text = [header, ...(descending ? lines.toReversed() : lines)].join("\n")
        const { quarters, skipped } = yield* readFluvius(text, brussels)
        const inOrder = [...quarters].sort((a, b) => a.startMs - b.startMs).slice(1)
        expect(inOrder.map(startOf)).toEqual(
          Array.from({ length: 16 }, (_, i) => new Date(Date.UTC(2026, 9, 24, 23) + i * 900_000).toISOString()),
        )
        expect(inOrder.map(({ energyImportWh }) => energyImportWh)).toEqual(
          Array.from({ length: 16 }, (_, i) => 100 + i),
        )
        expect(skipped["a time that does not exist or was given before"]).toBeUndefined()
      }),
  )

  it.effect("goes over the hour that spring leaves out", () =>
    Effect.gen(function* () {
      const text = fluvius(
        dutch,
        night(
          [
            ["01:45", "03:00"],
            ["03:00", "03:15"],
          ],
          "29-03-2026",
        ),
      )
      const { quarters } = yield* readFluvius(text, brussels)
      expect(quarters.map(startOf)).toEqual(["2026-03-29T00:45:00.000Z", "2026-03-29T01:00:00.000Z"])
    }),
  )

  it.effect("that is none is refused in a sentence", () =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(readFluvius("time,Import T1 kWh\n2026-01-01 00:00,1", brussels))
      expect(message).toMatch(/^This is not a history of Fluvius: .*Mijn Fluvius/)
    }),
  )
})

describe("the vendor's file", () => {
  const header = "time,Import T1 kWh,Import T2 kWh,Export T1 kWh,Export T2 kWh,L1 max W,L2 max W,L3 max W"

  it.effect("holds registers: a line's energy is what they rise by until the next", () =>
    Effect.gen(function* () {
      const text = [
        header,
        "2026-01-15 00:00,100.000,200.000,10.000,20.000,0,0,0",
        "2026-01-15 00:15,100.500,200.100,10.000,20.250,900,0,0",
        "2026-01-15 00:30,100.600,200.100,10.000,20.250,900,0,0",
        "2026-01-15 01:30,101.000,200.100,10.000,20.250,900,0,0",
        "2026-01-16 01:30,102.000,200.100,10.000,20.250,900,0,0",
        "2026-01-16 01:45,0.000,200.100,10.000,20.250,900,0,0",
        "2026-01-16 02:00,,200.100,10.000,20.250,900,0,0",
      ].join("\n")
      const { quarters, rows, skipped } = yield* readHomeWizard(text, brussels)
      expect(rows).toBe(7)
      expect(brief(quarters)).toEqual([
        ["2026-01-14T23:00:00.000Z", 600, 250],
        ["2026-01-14T23:15:00.000Z", 100, 0],
        ["2026-01-14T23:30:00.000Z", 100, 0],
        ["2026-01-14T23:45:00.000Z", 100, 0],
        ["2026-01-15T00:00:00.000Z", 100, 0],
        ["2026-01-15T00:15:00.000Z", 100, 0],
      ])
      expect(skipped).toEqual({
        "neither a quarter-hour nor an hour to the next line": 1,
        "the register fell or rose by more than a meter can": 1,
        "no register": 1,
      })
    }),
  )

  it.effect("that is none is refused in a sentence", () =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(readHomeWizard(dutch, brussels))
      expect(message).toMatch(/^This is not an export of the HomeWizard app: /)
    }),
  )
})

describe("dsmr-reader's file", () => {
  const header =
    "Hour Start,Electricity 1 (Dutch Users: Low Tariff),Electricity 2 (Dutch Users: Normal Tariff),Electricity 1 Returned (Dutch Users: Low Tariff),Electricity 2 Returned (Dutch Users: Normal Tariff),Gas"

  it.effect("holds hours with their offset, so that the repeated one is two", () =>
    Effect.gen(function* () {
      const text = [
        header,
        "2026-10-25T02:00:00+02:00,0.401,0,0,0,0.03",
        "2026-10-25T02:00:00+01:00,0.4,0.004,0.012,0,0.03",
        "2026-10-25T02:00:00+01:00,9,9,9,9,9",
        "2026-10-25T03:00:00+01:00,,0,0,0,0",
      ].join("\n")
      const { quarters, skipped } = yield* readDsmrReader(text)
      expect(quarters.map(startOf)).toEqual(
        Array.from({ length: 8 }, (_, i) => new Date(Date.UTC(2026, 9, 25) + i * 900_000).toISOString()),
      )
      expect(quarters.map(({ energyImportWh }) => energyImportWh)).toEqual([100, 101, 100, 100, 101, 101, 101, 101])
      expect(quarters.reduce((sum, { energyExportWh }) => sum + (energyExportWh ?? 0), 0)).toBe(12)
      expect(skipped).toEqual({ "a time that is no whole hour or was given before": 1, "no volume": 1 })
    }),
  )
})
