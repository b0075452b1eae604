import { Context, Data, type Effect, type Option, type Scope, type Stream } from "effect"
import type { RejectionCode } from "../Ingest.ts"
import type { Instant } from "../Instant.ts"
import type { MeterInfo, Sample } from "../Sample.ts"

/** The spool could not be read or written: nothing was taken, nothing was lost. */
export class SpoolError extends Data.TaggedError("SpoolError")<{
  readonly message: string
  readonly cause?: unknown
}> {}

/** The disk failed under the spool; only a new process can tell what it holds. The message says what happened. */
export class SpoolBroken extends Data.TaggedError("SpoolBroken")<{
  readonly message: string
  readonly cause?: unknown
}> {}

/** A sample in the spool; `meter` where the meter said something new of itself with it. */
export interface SpooledSample {
  readonly id: number
  readonly sample: Sample
  readonly meter: MeterInfo | null
}

/** A sample that the server refused for ever, the reason, and when it said so. */
export interface QuarantinedSample extends SpooledSample {
  readonly code: RejectionCode
  readonly message: string
  readonly at: Instant
}

/** As many samples are quarantined at most. */
export const quarantineLimit = 1_000

/**
 * So long a sample is put off at most, milliseconds. One that is put off for longer was so by a clock that has been set
 * back since the last start: it is due.
 */
export const longestPutOffMs = 3_600_000

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
  /** Samples that have given way to the bound on the spool's size, by what was left of the others around them. */
  readonly thinned: { readonly toTenSeconds: number; readonly toOneMinute: number; readonly withoutRegisters: number }
  /** Samples of damaged files: those that were read out of them, and those that could not be. */
  readonly salvaged: number
  readonly lost: number
  /** A damaged file is still being read. */
  readonly salvaging: boolean
  /** Size on the disk; 0 in memory. */
  readonly bytes: number
  /** Of the last 600 commits 99 of 100 were on the disk within so many milliseconds; none before the first. */
  readonly commitP99Ms: Option.Option<number>
}

/**
 * Samples between the meter and the server. A sample counts as taken once `append` has returned: it is on the disk
 * (with grouped commits: within a few seconds). It leaves by its id, when a verdict says what became of it, or when
 * the spool is at its bound and thins its oldest samples, without a change to any quarter-hour.
 */
export class Spool extends Context.Tag("domain/Spool")<
  Spool,
  {
    readonly append: (sample: Sample, meter: MeterInfo | null) => Effect.Effect<void, SpoolError>
    /**
     * Lends the oldest samples that are due at `now`, by the clock that puts them off, in the order they were taken; at
     * most `limit`. Until the scope ends, nobody else is lent the same.
     */
    readonly oldest: (
      limit: number,
      now: Instant,
    ) => Effect.Effect<ReadonlyArray<SpooledSample>, SpoolError, Scope.Scope>
    /** Lends the newest samples in the same way, also in the order they were taken. */
    readonly newest: (
      limit: number,
      now: Instant,
    ) => Effect.Effect<ReadonlyArray<SpooledSample>, SpoolError, Scope.Scope>
    /**
     * Carries out all verdicts or, on failure, none. What does not fit into the quarantine any more stays and is put
     * off for an hour. Stored samples may be on the disk for some seconds more, shown to nobody: after a kill they wait
     * again, and the server knows them.
     */
    readonly settle: (verdicts: ReadonlyArray<Verdict>) => Effect.Effect<void, SpoolError>
    /** All samples that wait, in the order they were taken, read a page at a time. */
    readonly samples: Stream.Stream<SpooledSample, SpoolError>
    /** All quarantined samples, in the order they were taken, read a page at a time. */
    readonly quarantine: Stream.Stream<QuarantinedSample, SpoolError>
    /** Lets quarantined samples wait for upload again, in their old places; gives how many. */
    readonly retry: (ids: ReadonlyArray<number> | "all") => Effect.Effect<number, SpoolError>
    /**
     * Moves the samples between two instants, neither included, by so many milliseconds of time elapsed; gives how many.
     * What the meter said of itself with them is to be said again.
     */
    readonly retime: (after: Instant, before: Instant, byMs: number) => Effect.Effect<number, SpoolError>
    /** The sample that was taken last, uploaded or not. */
    readonly lastTaken: Effect.Effect<
      Option.Option<{ readonly ts: Instant; readonly meterStamp: string | null }>,
      SpoolError
    >
    /** What the meter last said of itself. */
    readonly lastMeter: Effect.Effect<Option.Option<MeterInfo>, SpoolError>
    readonly status: Effect.Effect<SpoolStatus, SpoolError>
    /** Fails while nothing can be written; otherwise something has been, and is on the disk. */
    readonly check: Effect.Effect<void, SpoolError>
    /**
     * Waits until the disk has failed in a way that makes the open file worthless. Then the process is to end at once,
     * with what the error says and a code that is not 0; it starts clean.
     */
    readonly broken: Effect.Effect<never, SpoolBroken>
  }
>() {}
