import { Command } from "@effect/cli"
import { Console, DateTime, Effect } from "effect"
import { type StoreStatus, StoreAdmin } from "../../domain/ports/index.ts"
import { json } from "./Arguments.ts"

const units = ["bytes", "kB", "MB", "GB", "TB"] as const

/** `74 MB` */
export const sizeOf = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1)
  return `${(bytes / 1000 ** power).toLocaleString("en-US", { maximumSignificantDigits: 3 })} ${units[power]}`
}

const count = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`

const chunkLine = ({ chunks }: StoreStatus["samples"]): string => {
  if (chunks === null) return ""
  const compressed =
    chunks.compressed === 0
      ? "none compressed yet"
      : `${chunks.compressed} compressed from ${sizeOf(chunks.bytesBefore)} to ${sizeOf(chunks.bytesAfter)}`
  return `; ${count(chunks.all, "chunk")}, ${compressed}`
}

/** The state of the database in words. */
export const inWords = (status: StoreStatus): ReadonlyArray<string> => [
  `${status.description}: ${sizeOf(status.databaseBytes)}, ${count(status.devices, "device")}.`,
  `Samples: about ${count(status.samples.estimatedRows, "row")} in ${sizeOf(status.samples.bytes)}${chunkLine(status.samples)}.`,
  `Quarter-hours: about ${count(status.quarterHours.estimatedRows, "row")} in ${sizeOf(status.quarterHours.bytes)}.`,
  status.horizon === null
    ? "Raw samples are kept for ever."
    : `Raw samples before ${DateTime.formatIso(status.horizon)} are no longer kept; their quarter-hours stay as they are.`,
  ...(status.samples.chunks === null
    ? ["Power curves are made from the samples as they are read."]
    : [
        status.curvesKeptUntil === null
          ? "Power curves are kept for no time yet; they are made as they are read."
          : `Power curves are kept up to ${DateTime.formatIso(status.curvesKeptUntil)}; later ones are made as they are read.`,
        status.lateRanges === 0
          ? "No late samples wait for their curves to be made anew."
          : `${count(status.lateRanges, "range")} of late samples ${status.lateRanges === 1 ? "waits" : "wait"} for their curves to be made anew, within a minute while the server runs.`,
      ]),
  ...status.jobs.map(({ lastBegan, lastStatus, name }) =>
    lastBegan === null
      ? `Job ${name}: has never begun; the server runs it where the database does not.`
      : `Job ${name}: last begun ${DateTime.formatIso(lastBegan)}${lastStatus === null ? "" : `, says ${lastStatus}${lastStatus === "Failed" ? " (its work may be done all the same)" : ""}`}.`,
  ),
]

const status = Command.make("status", { json }, ({ json }) =>
  Effect.gen(function* () {
    const admin = yield* StoreAdmin
    const found = yield* admin.status
    yield* Console.log(json ? JSON.stringify(found) : inWords(found).join("\n"))
  }),
).pipe(Command.withDescription("Say what the database holds, and how it is"))

export const db = Command.make("db").pipe(Command.withSubcommands([status]))
