import { Args, Command, Options } from "@effect/cli"
import { FileSystem } from "@effect/platform"
import { DateTime, Effect, Option } from "effect"
import { DeviceId, fromEpochMillis, zoneNamed } from "../../domain/index.ts"
import {
  readDsmrReader,
  readFluvius,
  readHomeWizard,
  type ReadFile,
  UnreadableFile,
} from "../../infra/meter-files/index.ts"
import * as Admin from "../Admin.ts"
import { type ImportedMonth, importQuarters, type ImportResult } from "../ImportQuarters.ts"
import { checked, json } from "./Arguments.ts"
import { print, table } from "./Printed.ts"
import { progressBar } from "./ProgressBar.ts"

const readers = { fluvius: readFluvius, homewizard: readHomeWizard, "dsmr-reader": readDsmrReader }

const textOf = (file: string) =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readFileString(file)).pipe(
    Effect.mapError(({ message }) => new UnreadableFile({ message: `${file} cannot be read: ${message}` })),
  )

const kw = (watts: number): string => `${(watts / 1000).toFixed(3)} kW`

const monthRow = (zone: DateTime.TimeZone) => (month: ImportedMonth) => {
  const local = (ms: number) =>
    DateTime.formatIsoZoned(DateTime.setZone(fromEpochMillis(ms), zone))
      .slice(0, 16)
      .replace("T", " ")
  return [
    month.month,
    String(month.quarters),
    month.peakW === null ? "-" : kw(month.peakW),
    month.peakStartMs === null ? "-" : local(month.peakStartMs),
    String(month.used),
    month.compared === 0 ? "-" : `${month.differing} of ${month.compared}`,
    month.compared === 0 ? "-" : `${month.largestW} W`,
    month.compared === 0 ? "-" : `${(month.sumWh / 1000).toFixed(3)} kWh`,
  ]
}

const sentencesOf = (read: ReadFile, result: ImportResult, zone: DateTime.TimeZone, dryRun: boolean): string => {
  const skipped = Object.entries(read.skipped).filter(([, count]) => count > 0)
  const { changed, inserted, kept, unchanged } = result
  return [
    `${read.rows} lines, ${read.quarters.length} quarter-hours${dryRun ? " (dry run: nothing is stored)" : ""}: ` +
      `${inserted} new, ${changed} changed, ${unchanged} known already, ${kept} better known already.`,
    ...skipped.map(([why, count]) => `Left out ${count} lines: ${why}.`),
    ...(result.months.length === 0
      ? []
      : [
          "",
          table([
            ["MONTH", "QUARTERS", "PEAK", "AT", "USED", "DIFFER FROM OURS", "LARGEST", "IN ALL"],
            ...result.months.map(monthRow(zone)),
          ]),
        ]),
  ].join("\n")
}

const jsonOf = (read: ReadFile, result: ImportResult, dryRun: boolean) => ({
  dry_run: dryRun,
  rows: read.rows,
  quarters: read.quarters.length,
  inserted: result.inserted,
  changed: result.changed,
  unchanged: result.unchanged,
  kept: result.kept,
  skipped: read.skipped,
  months: result.months.map((month) => ({
    month: month.month,
    quarters: month.quarters,
    peak_w: month.peakW,
    peak_start: month.peakStartMs === null ? null : DateTime.formatIso(fromEpochMillis(month.peakStartMs)),
    used: month.used,
    compared: month.compared,
    differing: month.differing,
    largest_difference_w: month.largestW,
    difference_kwh: month.sumWh / 1000,
  })),
})

/** `p1-api import fluvius|homewizard|dsmr-reader FILE --device D`. */
export const importFile = Command.make(
  "import",
  {
    format: Args.choice(
      [
        ["fluvius", "fluvius"],
        ["homewizard", "homewizard"],
        ["dsmr-reader", "dsmr-reader"],
      ] as const,
      { name: "FORMAT" },
    ),
    file: Args.text({ name: "FILE" }),
    device: Options.text("device").pipe(Options.withDescription("The device that it is the history of")),
    dryRun: Options.boolean("dry-run").pipe(Options.withDescription("Say what would change, and store nothing")),
    json,
  },
  ({ device, dryRun, file, format, json }) =>
    Effect.gen(function* () {
      const { deviceId, zone: name } = yield* Admin.findDevice(yield* checked("--device", DeviceId, device))
      const zone = Option.getOrThrow(zoneNamed(name))
      const read = yield* Effect.flatMap(textOf(file), (text) => readers[format](text, zone))
      const bar = yield* progressBar(read.quarters.length, !json)
      const result = yield* importQuarters(deviceId, zone, read.quarters, { dryRun, progress: bar.show })
      yield* bar.clear
      yield* print(json, jsonOf(read, result, dryRun), sentencesOf(read, result, zone, dryRun))
    }),
).pipe(Command.withDescription("Import quarter-hours from a file of Fluvius, HomeWizard or dsmr-reader"))
