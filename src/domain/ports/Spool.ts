import { Context, Data, type Effect, type Option } from "effect"
import type { RejectionCode } from "../Ingest.ts"
import type { Instant } from "../Instant.ts"
import type { MeterInfo, Sample } from "../Sample.ts"

/** The spool could not be read or written: nothing was taken, nothing was lost. */
export class SpoolError extends Data.TaggedError("SpoolError")<{
  readonly message: string
  readonly cause?: unknown
}> {}

/** A sample in the spool; `meter` where the meter said something new of itself with it. */
export interface SpooledSample {
  readonly id: number
  readonly sample: Sample
  readonly meter: MeterInfo | null
}

/** What became of a spooled sample: stored by the server, refused for ever, or to be tried again later. */
export type Verdict =
  | { readonly _tag: "Stored"; readonly id: number }
  | { readonly _tag: "Quarantined"; readonly id: number; readonly code: RejectionCode; readonly message: string }
  | { readonly _tag: "Postponed"; readonly id: number; readonly until: Instant }

export interface SpoolStatus {
  /** Samples waiting for upload, postponed ones included. */
  readonly waiting: number
  readonly oldestTs: Option.Option<Instant>
  readonly quarantined: number
}

/**
 * Samples between the meter and the server. A sample counts as taken once `append` has returned: it is on the disk.
 * It leaves by its id, when a verdict says what became of it.
 */
export class Spool extends Context.Tag("domain/Spool")<
  Spool,
  {
    readonly append: (sample: Sample, meter: MeterInfo | null) => Effect.Effect<void, SpoolError>
    /** The oldest samples that are due at `now`, in the order they were taken; at most `limit`. */
    readonly oldest: (limit: number, now: Instant) => Effect.Effect<ReadonlyArray<SpooledSample>, SpoolError>
    /** Carries out all verdicts or, on failure, none. */
    readonly settle: (verdicts: ReadonlyArray<Verdict>) => Effect.Effect<void, SpoolError>
    /** The sample that was taken last, uploaded or not. */
    readonly lastTaken: Effect.Effect<
      Option.Option<{ readonly ts: Instant; readonly meterStamp: string | null }>,
      SpoolError
    >
    /** What the meter last said of itself. */
    readonly lastMeter: Effect.Effect<Option.Option<MeterInfo>, SpoolError>
    readonly status: Effect.Effect<SpoolStatus, SpoolError>
  }
>() {}
