import { Array as Arr, type DateTime, Option, Schema } from "effect"
import { ExternalMeasurement, type Measurement } from "./Measurement.ts"
import { instantsOfStamp, latestInstantOfStamp } from "./MeterTime.ts"
import type { Instant } from "./Instant.ts"
import type { ExternalReading, Sample } from "./Sample.ts"

/** A stamp of a peak or of a sub-meter's reading, and when that was. */
export interface KnownStamp {
  readonly stamp: string
  readonly ts: Instant
}

/** What a meter reports with every telegram until it is another, by what it is: a value with its stamp. */
export type KnownStamps = ReadonlyMap<string, KnownStamp>

export interface ReportContext {
  readonly zone: DateTime.TimeZone
  /** What was reported before keeps the instant that it had then, so that the repeated hour does not move it. */
  readonly known?: KnownStamps
}

/** The key of the sample that reports them. */
type Key = Pick<Sample, "ts" | "tsSource">

/** The instant of a stamp that is first reported with a sample; a meter whose clock is wrong may be ahead of it. */
const instantOf = (stamp: string, zone: DateTime.TimeZone, { ts, tsSource }: Key) =>
  Option.orElse(latestInstantOfStamp(stamp, zone, ts), () =>
    tsSource === "meter" ? Option.none() : Arr.head(instantsOfStamp(stamp, zone)),
  )

const decodeExternal = Schema.decodeUnknownOption(ExternalMeasurement)
const readable = ({ external }: Measurement): ReadonlyArray<ExternalMeasurement> =>
  Arr.filterMap(external ?? [], (entry) => decodeExternal(entry))

const nameOf = ({ timestamp, type, uniqueId, value }: ExternalMeasurement): string =>
  JSON.stringify([type, uniqueId, timestamp, value])
const peakNameOf = ({ monthlyPowerPeakTimestamp, monthlyPowerPeakW }: Measurement): string =>
  JSON.stringify(["peak", monthlyPowerPeakTimestamp, monthlyPowerPeakW])

/** When everything was that a measurement reports. */
export const stampsReported = (m: Measurement, key: Key, { known = new Map(), zone }: ReportContext): KnownStamps => {
  const named: ReadonlyArray<readonly [string, string]> = [
    ...(m.monthlyPowerPeakTimestamp === null ? [] : [[peakNameOf(m), m.monthlyPowerPeakTimestamp] as const]),
    ...readable(m).map((meter) => [nameOf(meter), meter.timestamp] as const),
  ]
  return new Map(
    Arr.filterMap(named, ([name, stamp]) => {
      const before = Option.fromNullable(known.get(name))
      return Option.map(
        Option.orElse(before, () => Option.map(instantOf(stamp, zone, key), (ts) => ({ stamp, ts }))),
        (knownStamp) => [name, knownStamp] as const,
      )
    }),
  )
}

/** The readings of sub-meters; one that cannot be read costs only itself. */
export const externalReadings = (m: Measurement, stamps: KnownStamps): ReadonlyArray<ExternalReading> =>
  Arr.filterMap(readable(m), (meter) =>
    Option.map(Option.fromNullable(stamps.get(nameOf(meter))), ({ ts }) => ({
      id: meter.uniqueId,
      kind: meter.type,
      ts,
      value: meter.value,
      unit: meter.unit,
    })),
  )

/** When the month's peak was. */
export const monthlyPeakTs = (m: Measurement, stamps: KnownStamps): Instant | null =>
  stamps.get(peakNameOf(m))?.ts ?? null

/** Those whose stamp stands for two instants, of which only who saw them reported knows the right one. */
export const ambiguousStamps = (stamps: KnownStamps, zone: DateTime.TimeZone): KnownStamps =>
  new Map([...stamps].filter(([, { stamp }]) => instantsOfStamp(stamp, zone).length > 1))
