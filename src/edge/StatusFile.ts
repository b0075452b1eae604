import { FileSystem } from "@effect/platform"
import { Clock, DateTime, Duration, Effect, Layer, Option, Ref, Schedule, Schema } from "effect"
import { type EdgeState, Spool } from "../domain/ports/index.ts"
import { HomeWizardPin } from "../infra/homewizard/index.ts"
import { EdgeClock } from "./EdgeClock.ts"
import { EdgeStatus } from "./EdgeStatus.ts"
import { makeFoldedLog } from "./FoldedLog.ts"
import { type StatusReport, statusEvery, StatusReportText } from "./StatusReport.ts"
import { makeUploadProgress } from "./UploadProgress.ts"

export interface StatusFileOptions {
  readonly path: string
  readonly meter: string
  readonly server: string
  readonly pid: number
}

/** Keeps a small file beside the spool up to date; it is replaced as a whole, and gone when the edge has ended. */
export const layer = (
  options: StatusFileOptions,
): Layer.Layer<never, never, EdgeStatus | EdgeClock | EdgeState | Spool | FileSystem.FileSystem> =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const status = yield* EdgeStatus
      const clock = yield* EdgeClock
      const spool = yield* Spool
      const folded = yield* makeFoldedLog("1 hour")
      const startedNs = yield* Clock.currentTimeNanos
      const progress = yield* makeUploadProgress

      const report = Effect.gen(function* () {
        const state = yield* Ref.get(status)
        const { bytes, commitP99Ms, lost, oldestTs, quarantined, salvaged, thinned, waiting } = yield* spool.status
        const at = yield* DateTime.now
        const nowNs = yield* Clock.currentTimeNanos
        const upload = yield* progress({ uploaded: state.uploaded, waiting, nowNs })
        const said: StatusReport = {
          at,
          started_at: DateTime.subtractDuration(at, Duration.nanos(nowNs - startedNs)),
          pid: options.pid,
          meter: options.meter,
          meter_identity: Option.getOrNull(yield* HomeWizardPin.pinned),
          server: options.server,
          taken: state.taken,
          missed: state.missed,
          bad_readings: state.badReadings,
          uploaded: state.uploaded,
          last_sample_ts: Option.getOrNull(state.lastSampleTs),
          meter_error: Option.getOrNull(state.meterError),
          upload_error: Option.getOrNull(state.uploadError),
          spool: {
            waiting,
            oldest_ts: Option.getOrNull(oldestTs),
            quarantined,
            thinned: thinned.toTenSeconds + thinned.toOneMinute + thinned.withoutRegisters,
            salvaged,
            lost,
            bytes,
            commit_p99_ms: Option.getOrNull(Option.map(commitP99Ms, Math.ceil)),
          },
          upload,
          clock_offset_ms: Option.getOrNull(yield* clock.offsetMs),
        }
        const next = `${options.path}.next`
        yield* fs.writeFileString(next, yield* Schema.encode(StatusReportText)(said))
        yield* fs.rename(next, options.path)
      })

      yield* Effect.addFinalizer(() => Effect.ignore(fs.remove(options.path)))
      yield* report.pipe(
        // A write that is broken off would still end, after the file has been removed.
        Effect.uninterruptible,
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
