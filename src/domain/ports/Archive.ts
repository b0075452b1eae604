import { Context, Data, type Effect, type Stream } from "effect"

/** A backup could not be made, or is none that this database takes. */
export class ArchiveError extends Data.TaggedError("ArchiveError")<{
  readonly message: string
  readonly cause?: unknown
}> {}

/** How many rows each table has. */
export type RowCounts = Readonly<Record<string, number>>

/** What is restored so far. */
export interface RestoreProgress {
  readonly table: string
  /** Of that table, those of an earlier attempt included. */
  readonly rows: number
}

/** Everything that is stored, as one stream of bytes that any PostgreSQL takes, with TimescaleDB or without. */
export class Archive extends Context.Tag("domain/Archive")<
  Archive,
  {
    /** One moment of the database, whatever is written meanwhile. */
    readonly backup: Stream.Stream<Uint8Array, ArchiveError>
    /**
     * Fills a database that holds no device, table by table. An attempt that was broken off is gone on with where it
     * ended. Gives the rows of each table, which are those that the backup counted.
     */
    readonly restore: (
      backup: Stream.Stream<Uint8Array, ArchiveError>,
      progress: (now: RestoreProgress) => Effect.Effect<void>,
    ) => Effect.Effect<RowCounts, ArchiveError>
  }
>() {}
