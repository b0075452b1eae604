import { FileSystem } from "@effect/platform"
import { DateTime, Duration, Effect, Option, Schema } from "effect"
import { MeterIdentity } from "../domain/index.ts"
import { StartupError } from "../infra/process/index.ts"
import { UploadProgress } from "./UploadProgress.ts"

const Instant = Schema.DateTimeUtc
const orNull = <A, I>(schema: Schema.Schema<A, I>) => Schema.NullOr(schema)

/** What a running edge says of itself, for those who look from outside: its spool is open to nobody else. */
export const StatusReport = Schema.Struct({
  at: Instant,
  /** By the clock as it is now set. */
  started_at: Instant,
  pid: Schema.Int,
  meter: Schema.String,
  /** Whom the meter has to be; null before the first contact. */
  meter_identity: orNull(MeterIdentity),
  server: Schema.String,
  taken: Schema.Int,
  missed: Schema.Int,
  bad_readings: Schema.Int,
  uploaded: Schema.Int,
  last_sample_ts: orNull(Instant),
  meter_error: orNull(Schema.String),
  upload_error: orNull(Schema.String),
  spool: Schema.Struct({
    waiting: Schema.Int,
    oldest_ts: orNull(Instant),
    quarantined: Schema.Int,
    thinned: Schema.Int,
    salvaged: Schema.Int,
    lost: Schema.Int,
    bytes: Schema.Int,
    /** Of the last 600 commits, 99 of 100 were on the disk within so many ms; null before the first. */
    commit_p99_ms: orNull(Schema.Number),
  }),
  upload: UploadProgress,
  /** This machine's clock minus the server's; null before the first reply. */
  clock_offset_ms: orNull(Schema.Number),
})
export type StatusReport = typeof StatusReport.Type

export const StatusReportText = Schema.parseJson(StatusReport)

/** How often a running edge reports. */
export const statusEvery = Duration.seconds(10)

/** A report that is older is the last word of an edge that no longer runs. */
const staleAfter = Duration.times(statusEvery, 3)

/** What the edge that runs last said of itself in the file at `path`; fails when none runs. */
export const readReport = (path: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const report = yield* Effect.option(Effect.flatMap(fs.readFileString(path), Schema.decode(StatusReportText)))
    if (Option.isNone(report)) {
      return yield* new StartupError({ message: `No edge runs here (there is no ${path}): start it with p1-edge run.` })
    }
    const age = DateTime.distanceDuration(report.value.at, yield* DateTime.now)
    if (Duration.greaterThan(age, staleAfter)) {
      return yield* new StartupError({
        message: `The edge has said nothing for ${Math.round(Duration.toSeconds(age))} s: see whether it still runs.`,
      })
    }
    return report.value
  })
