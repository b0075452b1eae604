import { join } from "node:path"
import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { freshDatabase } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { run } from "../support/Programs.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"

const header =
  "From (date);From (time);Until (date);Until (time);EAN code;Meter;Meter type;Register;Volume;Unit;Validation status;Description"
const clock = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}:00`
const line = (minute: number, volume: string): string =>
  `15/01/2026;${clock(minute)};15/01/2026;${clock(minute + 15)};="54";1;Digital meter;Offtake Day;${volume};kWh;Read;`

it.scopedLive(
  "an operator says where a device is, types peaks from bills, and imports a year's file, twice",
  () =>
    Effect.gen(function* () {
      const url = yield* freshDatabase
      const folder = yield* temporaryFolder
      const fs = yield* FileSystem.FileSystem
      const file = join(folder, "history.csv")
      yield* fs.writeFileString(file, [header, line(720, "1,050"), line(735, "0,200"), line(750, "")].join("\n"))
      const command = (...args: ReadonlyArray<string>) =>
        run("p1-api", { DATABASE_URL: Redacted.value(url), DATA_DIR: "/nowhere" }, args)
      const json = (...args: ReadonlyArray<string>) =>
        Effect.map(command(...args, "--json"), ({ said }) => JSON.parse(said) as Record<string, unknown>)

      const wrong = yield* command("devices", "add", "--grid-zone", "gaselwest", "Home")
      expect(wrong).toMatchObject({ code: 1, said: expect.stringMatching(/antwerpen.*halle-vilvoorde.*wallonia/s) })
      yield* command("devices", "add", "--grid-zone", "west", "Home")
      expect(yield* json("devices", "edit", "--country", "nl", "home")).toEqual({
        device_id: "home",
        country: "NL",
        grid_zone: "west",
        region: "netherlands",
      })

      expect((yield* command("peaks", "set", "home", "2026-03", "4,2")).said).toBe(
        "The peak of home in 2026-03 is 4.2 kW, whatever the meter says.\n",
      )
      expect((yield* command("peaks", "set", "home", "2026-03", "4200")).said).toMatch(/^KW: expected a peak in kW/)
      expect(yield* json("peaks", "list", "home")).toEqual({
        peaks: [{ month: "2026-03", peak_w: 4200, source: "manual", peak_ts: null }],
      })
      yield* runSql(
        url,
        `insert into p1_metered_peaks (device_id, month, peak_w, peak_ts, reported_at) values
           ('home', '2026-03', 4187, '2026-03-12T19:45:00Z', '2026-04-01T00:00:00Z'),
           ('home', '2026-01', 3156, null, '2026-04-01T00:00:00Z')`,
      )
      expect(yield* json("peaks", "list", "home")).toEqual({
        peaks: [
          { month: "2026-01", peak_w: 3156, source: "meter", peak_ts: null },
          { month: "2026-03", peak_w: 4200, source: "manual", peak_ts: null },
          { month: "2026-03", peak_w: 4187, source: "meter", peak_ts: "2026-03-12T19:45:00.000Z" },
        ],
      })
      expect((yield* command("peaks", "list", "home")).said).toMatch(
        /2026-03 +4\.200 kW +manual +-\n2026-03 +4\.187 kW +meter +2026-03-12 19:45Z/,
      )
      expect(yield* json("peaks", "remove", "home", "2026-03")).toMatchObject({ removed: true })

      const dry = yield* json("import", "--device", "home", "--dry-run", "fluvius", file)
      expect(dry).toMatchObject({ dry_run: true, rows: 3, quarters: 2, inserted: 2, skipped: { "no volume": 1 } })
      const first = yield* json("import", "--device", "home", "fluvius", file)
      expect(first).toMatchObject({
        dry_run: false,
        inserted: 2,
        months: [
          { month: "2026-01", quarters: 2, peak_w: 4200, peak_start: "2026-01-15T11:00:00.000Z", used: 2, compared: 0 },
        ],
      })
      const said = (yield* command("import", "--device", "home", "fluvius", file)).said
      expect(said).toContain("3 lines, 2 quarter-hours: 0 new, 0 changed, 2 known already, 0 better known already.")
      expect(said).toContain("Left out 1 lines: no volume.")
      expect(said).toMatch(/2026-01 +2 +4.200 kW +2026-01-15 12:00 +2 +-/)
      const other = yield* command("import", "--device", "home", "homewizard", file)
      expect(other).toMatchObject({
        code: 1,
        said: expect.stringMatching(/^This is not an export of the HomeWizard app/),
      })
    }).pipe(Effect.provide(NodeContext.layer)),
  120_000,
)

const otherFiles = {
  homewizard: [
    "time,Import T1 kWh,Import T2 kWh,Export T1 kWh,Export T2 kWh",
    "2026-01-15 12:00,100.000,200.000,0.000,0.000",
    "2026-01-15 12:15,101.050,200.000,0.000,0.000",
    "2026-01-15 12:30,101.250,200.000,0.000,0.000",
    "2026-01-15 12:45,,200.000,0.000,0.000",
  ],
  "dsmr-reader": [
    "Hour Start,Electricity 1 (Dutch Users: Low Tariff),Electricity 2 (Dutch Users: Normal Tariff),Electricity 1 Returned (Dutch Users: Low Tariff),Electricity 2 Returned (Dutch Users: Normal Tariff),Gas",
    "2026-01-15T12:00:00+01:00,4.2,0,0,0,0",
    "2026-01-15T13:00:00+01:00,,0,0,0,0",
  ],
}

it.scopedLive(
  "another tool's file is tried first, taken once, and known the second time",
  () =>
    Effect.gen(function* () {
      const env = { DATABASE_URL: Redacted.value(yield* freshDatabase), DATA_DIR: "/nowhere" }
      const folder = yield* temporaryFolder
      const fs = yield* FileSystem.FileSystem
      for (const [format, lines] of Object.entries(otherFiles)) {
        yield* run("p1-api", env, ["devices", "add", format])
        const file = join(folder, format)
        yield* fs.writeFileString(file, lines.join("\n"))
        const imported = (...options: ReadonlyArray<string>) =>
          Effect.map(
            run("p1-api", env, ["import", "--device", format, ...options, "--json", format, file]),
            ({ said }) => JSON.parse(said) as unknown,
          )
        // An hour's mean hides its highest quarter: hours tell no peak.
        const [quarters, peakW] = format === "homewizard" ? [2, 4200] : [4, null]
        const taken = { quarters, months: [{ month: "2026-01", quarters, peak_w: peakW }] }
        expect(yield* imported("--dry-run")).toMatchObject({ ...taken, dry_run: true, inserted: quarters })
        expect(yield* imported()).toMatchObject({ ...taken, dry_run: false, inserted: quarters, unchanged: 0 })
        expect(yield* imported()).toMatchObject({ ...taken, dry_run: false, inserted: 0, unchanged: quarters })
      }
    }).pipe(Effect.provide(NodeContext.layer)),
  120_000,
)
