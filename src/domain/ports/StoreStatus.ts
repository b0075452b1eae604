import type { Instant } from "../Instant.ts"

/** A background job of the database, as it says itself. */
export interface StoreJob {
  readonly name: string
  readonly lastBegan: Instant | null
  readonly lastStatus: string | null
}

/** What the database holds and how it is. */
export interface StoreStatus {
  /** `PostgreSQL 18.4, without TimescaleDB` */
  readonly description: string
  /** By the database's own clock. */
  readonly clock: Instant
  readonly databaseBytes: number
  readonly devices: number
  readonly samples: {
    readonly estimatedRows: number
    readonly bytes: number
    /** Chunks of the hypertable, those compressed, and what those held before and hold now; null on plain tables. */
    readonly chunks: {
      readonly all: number
      readonly compressed: number
      readonly bytesBefore: number
      readonly bytesAfter: number
    } | null
  }
  readonly quarterHours: { readonly estimatedRows: number; readonly bytes: number }
  /** Before this no raw samples are kept; null: all are. */
  readonly horizon: Instant | null
  /** Up to this instant the minutes are kept; later ones are made as they are read. Null on plain tables. */
  readonly curvesKeptUntil: Instant | null
  /** Ranges of late samples whose curves are about to be made anew. */
  readonly lateRanges: number
  readonly jobs: ReadonlyArray<StoreJob>
}
