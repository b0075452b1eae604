import { Context, Data, type Effect, type Option } from "effect"
import type { Range } from "../Calendar.ts"
import type { DeviceId } from "../Device.ts"
import type { Instant } from "../Instant.ts"
import type { ImportedQuarter, ImportPlan } from "../ImportedQuarter.ts"
import type { MeterReading } from "../MeterSeries.ts"
import type { ManualPeak, ReportedPeak } from "../MonthlyPeak.ts"
import type { CurveBucket, PowerPoint } from "../PowerCurve.ts"
import type { QuarterHour } from "../QuarterHour.ts"
import type { Place } from "../Region.ts"
import type { MeteredPeak, MeterInfo, Month, Sample } from "../Sample.ts"
import type { Condensed } from "../Stretch.ts"

/** The store cannot be reached or is too busy; the same request may succeed later. */
export class StoreUnavailable extends Data.TaggedError("StoreUnavailable")<{
  readonly message: string
  readonly cause?: unknown
}> {}

/** Nothing can be stored of a device that is not registered, or no longer. */
export class DeviceUnknown extends Data.TaggedError("DeviceUnknown")<{ readonly deviceId: DeviceId }> {}

export interface IngestBatch {
  readonly samples: ReadonlyArray<Sample>
  readonly meter: MeterInfo | null
  readonly meteredPeaks: ReadonlyArray<MeteredPeak>
  readonly receivedAt: Instant
}

export interface IngestCounts {
  readonly inserted: number
  readonly duplicates: number
  /** Duplicates whose values, `receivedAt` aside, are not those stored. */
  readonly conflicts: number
  /** Places, from 0, of the batch's samples that lie before the horizon, where raw samples are no longer kept. */
  readonly expired: ReadonlyArray<number>
  /**
   * The device's revision: one more after every batch that changed something. A device that is added again has higher
   * ones than the one of the same name that was removed.
   */
  readonly revision: number
}

/** The newest of a device, read at one revision. */
export interface Latest {
  readonly revision: number
  /**
   * Another number after every batch and other change that did more than to go on with the newest quarter-hour: as long
   * as it is the same, so are the quarter-hours before, and what was imported, typed and said of the meter. Never one that
   * a device of the same name had which was removed.
   */
  readonly pastRevision: number
  readonly sample: Sample
  /** The quarter-hour that holds the sample. */
  readonly quarter: QuarterHour
  /** Mean import over the 60 s up to the sample, W. */
  readonly recentImportW: number
  /** What the meter last reported of the peak of the sample's month, and of some around it. */
  readonly reported: ReadonlyArray<ReportedPeak>
}

/** Samples and what is derived from them, of every device. */
export class Store extends Context.Tag("domain/Store")<
  Store,
  {
    /**
     * Stores a batch of one device and its quarter-hours in one transaction; returns after the commit. The first
     * write of a key wins, also within a batch. Batches of one device are stored one after another.
     */
    readonly ingest: (
      deviceId: DeviceId,
      batch: IngestBatch,
    ) => Effect.Effect<IngestCounts, StoreUnavailable | DeviceUnknown>
    /** The device's revision: 0 for one that is not known. */
    readonly revision: (deviceId: DeviceId) => Effect.Effect<number, StoreUnavailable>
    /** The newest sample that is not after `notAfter`, and what goes with it. */
    readonly latest: (deviceId: DeviceId, notAfter: Instant) => Effect.Effect<Option.Option<Latest>, StoreUnavailable>
    /** The stored quarter-hours that start in a range, in order, with the nearest one on either side of it. */
    readonly quarterHours: (
      deviceId: DeviceId,
      range: Range,
    ) => Effect.Effect<ReadonlyArray<QuarterHour>, StoreUnavailable>
    /** The same for pieces that follow each other, summed up where nothing is left to decide: see `condense`. */
    readonly condensed: (deviceId: DeviceId, pieces: ReadonlyArray<Range>) => Effect.Effect<Condensed, StoreUnavailable>
    /** From the start of the first quarter-hour, stored or imported, to the end of the last. */
    readonly extent: (deviceId: DeviceId) => Effect.Effect<Option.Option<Range>, StoreUnavailable>
    /** What the meter last reported of a month's peak. */
    readonly reportedPeak: (
      deviceId: DeviceId,
      month: Month,
    ) => Effect.Effect<Option.Option<ReportedPeak>, StoreUnavailable>
    /** Where a device is, as far as that decides its bill. */
    readonly place: (deviceId: DeviceId) => Effect.Effect<Place, StoreUnavailable>
    readonly setPlace: (deviceId: DeviceId, place: Place) => Effect.Effect<void, StoreUnavailable>
    /** What the meter last reported of each month's peak, in order. */
    readonly reportedPeaks: (deviceId: DeviceId) => Effect.Effect<ReadonlyArray<ReportedPeak>, StoreUnavailable>
    /** Monthly peaks typed from bills, in order. */
    readonly manualPeaks: (deviceId: DeviceId) => Effect.Effect<ReadonlyArray<ManualPeak>, StoreUnavailable>
    /** Keeps a month's peak as typed, or forgets it; says whether that changed anything. */
    readonly setManualPeak: (
      deviceId: DeviceId,
      month: Month,
      peakW: Option.Option<number>,
    ) => Effect.Effect<boolean, StoreUnavailable>
    /** The imported quarter-hours that start in a range, in order. */
    readonly importedQuarters: (
      deviceId: DeviceId,
      range: Range,
    ) => Effect.Effect<ReadonlyArray<ImportedQuarter>, StoreUnavailable>
    /** Stores what of an import is new or better than what was imported before, at once; says what that was. */
    readonly importQuarters: (
      deviceId: DeviceId,
      quarters: ReadonlyArray<ImportedQuarter>,
    ) => Effect.Effect<ImportPlan, StoreUnavailable>
    /** The readings of a sub-meter in a range, in order, with the nearest one on either side of it. */
    readonly meterReadings: (
      deviceId: DeviceId,
      meterId: string,
      range: Range,
    ) => Effect.Effect<ReadonlyArray<MeterReading>, StoreUnavailable>
    /**
     * Stored samples of a range in order of time, the first `limit` of them where it is given; of sub-meters, the
     * readings first seen with each.
     */
    readonly samples: (
      deviceId: DeviceId,
      range: Range,
      limit?: number,
    ) => Effect.Effect<ReadonlyArray<Sample>, StoreUnavailable>
    /** The power curve of the minutes or hours that start in a range, in order; those without samples are left out. */
    readonly powerCurve: (
      deviceId: DeviceId,
      range: Range,
      bucket: CurveBucket,
    ) => Effect.Effect<ReadonlyArray<PowerPoint>, StoreUnavailable>
    /**
     * What the power curves still lack: another text whenever that changes. Late samples reach them some time after
     * the revision that they raised.
     */
    readonly curvesLack: Effect.Effect<string, StoreUnavailable>
    /** What the meter said of itself, each change once, in order of time. */
    readonly meterChanges: (deviceId: DeviceId) => Effect.Effect<ReadonlyArray<MeterInfo>, StoreUnavailable>
    /** Fails while the store cannot be used. */
    readonly check: Effect.Effect<void, StoreUnavailable>
    /** What it is, for people: `PostgreSQL 18.4, no TimescaleDB`. */
    readonly description: string
  }
>() {}
