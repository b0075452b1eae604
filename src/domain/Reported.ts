import { Array as Arr, type DateTime, Option, Predicate, Schema } from "effect"
import { ExternalMeasurement, type Measurement } from "./Measurement.ts"
import { instantsOfStamp, latestInstantOfStamp } from "./MeterTime.ts"
import type { Instant } from "./Instant.ts"
import type { ExternalReading, Sample } from "./Sample.ts"

/** The measurement before this one, and the sample that it became. */
export interface Reported {
  readonly measurement: Measurement
  readonly sample: Sample
}

export interface ReportContext {
  readonly zone: DateTime.TimeZone
  /** What was reported before keeps the instant that it had then, so that the repeated hour does not move it. */
  readonly reported?: Option.Option<Reported>
}

/** The key of the sample that reports them. */
type Key = Pick<Sample, "ts" | "tsSource">

/** The instant of a stamp that is first reported with a sample; a meter whose clock is wrong may be ahead of it. */
const instantOf = (stamp: string, zone: DateTime.TimeZone, { ts, tsSource }: Key) =>
  Option.orElse(latestInstantOfStamp(stamp, zone, ts), () =>
    tsSource === "meter" ? Option.none() : Arr.head(instantsOfStamp(stamp, zone)),
  )

const decode = Schema.decodeUnknownOption(ExternalMeasurement)

const saysTheSame = (entry: unknown, meter: ExternalMeasurement): boolean =>
  Predicate.isRecord(entry) &&
  entry["unique_id"] === meter.uniqueId &&
  entry["type"] === meter.type &&
  entry["timestamp"] === meter.timestamp &&
  entry["value"] === meter.value

const isOf = ({ id, kind, value }: ExternalReading, meter: ExternalMeasurement): boolean =>
  id === meter.uniqueId && kind === meter.type && value === meter.value

/** The readings of sub-meters; one that cannot be read costs only itself. */
export const externalReadings = (
  external: ReadonlyArray<unknown>,
  key: Key,
  { reported = Option.none(), zone }: ReportContext,
): ReadonlyArray<ExternalReading> => {
  const known = (meter: ExternalMeasurement): Option.Option<Instant> =>
    Option.flatMapNullable(reported, ({ measurement, sample }) =>
      measurement.external?.some((entry) => saysTheSame(entry, meter))
        ? sample.external?.find((reading) => isOf(reading, meter))?.ts
        : undefined,
    )
  return Arr.filterMap(external, (entry) =>
    Option.flatMap(decode(entry), (meter) =>
      Option.map(
        Option.orElse(known(meter), () => instantOf(meter.timestamp, zone, key)),
        (ts) => ({ id: meter.uniqueId, kind: meter.type, ts, value: meter.value, unit: meter.unit }),
      ),
    ),
  )
}

/** When the month's peak was. */
export const monthlyPeakTs = (
  m: Measurement,
  key: Key,
  { reported = Option.none(), zone }: ReportContext,
): Instant | null => {
  const stamp = m.monthlyPowerPeakTimestamp
  if (stamp === null) return null
  const before = Option.filter(
    reported,
    ({ measurement }) =>
      measurement.monthlyPowerPeakTimestamp === stamp && measurement.monthlyPowerPeakW === m.monthlyPowerPeakW,
  )
  const known = Option.flatMapNullable(before, ({ sample }) => sample.monthlyPowerPeakTs)
  return Option.getOrNull(Option.orElse(known, () => instantOf(stamp, zone, key)))
}
