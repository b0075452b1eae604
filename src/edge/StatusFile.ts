import { FileSystem } from "@effect/platform"
import { Clock, DateTime, Duration, Effect, Layer, Option, Ref, Schedule, Schema } from "effect"
import { Spool } from "../domain/ports/index.ts"
import { EdgeClock } from "./EdgeClock.ts"
import { EdgeStatus } from "./EdgeStatus.ts"
import { makeFoldedLog } from "./FoldedLog.ts"
import { makeUploadProgress, UploadProgress } from "./UploadProgress.ts"

const Instant = Schema.DateTimeUtc
const orNull = <A, I>(schema: Schema.Schema<A, I>) => Schema.NullOr(schema)

/** What a running edge says of itself, for those who look from outside: its spool is open to nobody else. */
export const StatusReport = Schema.Struct({
  at: Instant,
  started_at: Instant,
  pid: Schema.Int,
  meter: Schema.String,
  server: Schema.String,
  taken: Schema.Int,
  missed: Schema.Int,
  uploaded: Schema.Int,
  last_sample_ts: orNull(Instant),
  meter_error: orNull(Schema.String),
  upload_error: orNull(Schema.String),
  spool: Schema.Struct({
    waiting: Schema.Int,
    oldest_ts: orNull(Instant),
    quarantined: Schema.Int,
    thinned: Schema.Int,
    lost: Schema.Int,
    bytes: Schema.Int,
  }),
  upload: UploadProgress,
  /** This machine's clock minus the server's; null before the first reply. */
  clock_offset_ms: orNull(Schema.Number),
})
export type StatusReport = typeof StatusReport.Type

export const StatusFileText = Schema.parseJson(StatusReport)

export interface StatusFileOptions {
  readonly path: string
  readonly meter: string
  readonly server: string
  readonly pid: number
}

/** How often it is written; who finds it much older finds no running edge. */
export const statusEvery = Duration.seconds(5)

/** Keeps a small file beside the spool up to date; it is replaced as a whole, and gone when the edge has ended. */
export const layer = (
  options: StatusFileOptions,
): Layer.Layer<never, never, EdgeStatus | EdgeClock | Spool | FileSystem.FileSystem> =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const status = yield* EdgeStatus
      const clock = yield* EdgeClock
      const spool = yield* Spool
      const folded = yield* makeFoldedLog("1 hour")
      const startedAt = yield* DateTime.now
      const progress = yield* makeUploadProgress

      const report = Effect.gen(function* () {
        const state = yield* Ref.get(status)
        const { bytes, lost, oldestTs, quarantined, thinned, waiting } = yield* spool.status
        const upload = yield* progress({
          uploaded: state.uploaded,
          waiting,
          nowNs: yield* Clock.currentTimeNanos,
        })
        const said: StatusReport = {
          at: yield* DateTime.now,
          started_at: startedAt,
          pid: options.pid,
          meter: options.meter,
          server: options.server,
          taken: state.taken,
          missed: state.missed,
          uploaded: state.uploaded,
          last_sample_ts: Option.getOrNull(state.lastSampleTs),
          meter_error: Option.getOrNull(state.meterError),
          upload_error: Option.getOrNull(state.uploadError),
          spool: {
            waiting,
            oldest_ts: Option.getOrNull(oldestTs),
            quarantined,
            thinned: thinned.toTenSeconds + thinned.toOneMinute + thinned.withoutRegisters,
            lost,
            bytes,
          },
          upload,
          clock_offset_ms: Option.getOrNull(yield* clock.offsetMs),
        }
        const next = `${options.path}.next`
        yield* fs.writeFileString(next, yield* Schema.encode(StatusFileText)(said))
        yield* fs.rename(next, options.path)
      })

      yield* Effect.addFinalizer(() => Effect.ignore(fs.remove(options.path)))
      yield* report.pipe(
        Effect.catchAll(({ message }) =>
          folded.warn(
            "status",
            Effect.annotateLogs(Effect.logWarning("The status cannot be written"), { reason: message }),
          ),
        ),
        Effect.repeat(Schedule.spaced(statusEvery)),
        Effect.annotateLogs("module", "status"),
        Effect.forkScoped,
      )
    }),
  )
