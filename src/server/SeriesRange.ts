import { Clock, Effect } from "effect"
import { BadRequest } from "../domain/api/index.ts"
import {
  type Bucket,
  bucketOf,
  type Device,
  type Frame,
  fromEpochMillis,
  instantOfDate,
  type LocalDate,
  type Moment,
  localDateOf,
  type Range,
  rangeOfFrame,
} from "../domain/index.ts"
import { Store } from "../domain/ports/index.ts"
import { orUnavailable } from "./Problems.ts"
import { noSamplesYet, orNotFound, zoneOf } from "./Readers.ts"

const refuse = (path: string, message: string) =>
  new BadRequest({ detail: "What is asked for cannot be told.", errors: [{ path, message }] })

const instantOf = (device: Device, moment: Moment) =>
  typeof moment === "string"
    ? Effect.map(zoneOf(device), (zone) => instantOfDate(moment, zone).epochMillis)
    : Effect.succeed(moment.epochMillis)

/** A range from a moment to another, or to now. */
export const rangeBetween = (device: Device, from: Moment, to: Moment | undefined, maxMs: number) =>
  Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis
    const range: Range = {
      fromMs: yield* instantOf(device, from),
      toMs: to === undefined ? nowMs : yield* instantOf(device, to),
    }
    if (range.toMs <= range.fromMs) return yield* refuse("to", "expected to be later than from")
    if (range.toMs - range.fromMs > maxMs) {
      return yield* refuse("to", `expected at most ${Math.floor(maxMs / dayMs)} days after from`)
    }
    return range
  })

const dayMs = 86_400_000
/** Points of a day stay at most some thousands; longer ranges are asked for in coarser buckets. */
const longestMs: Record<Bucket, number> = {
  minute: 2 * dayMs + 3_600_000,
  "15m": 400 * dayMs,
  hour: 800 * dayMs,
  day: 40_000 * dayMs,
  week: 40_000 * dayMs,
  month: 40_000 * dayMs,
  year: 40_000 * dayMs,
}

/** What a series is asked for: a frame, or a range and a bucket. */
export interface SeriesQuery {
  readonly frame?: Frame | undefined
  readonly at?: LocalDate | undefined
  readonly from?: Moment | undefined
  readonly to?: Moment | undefined
  readonly bucket?: Bucket | undefined
}

const rangeOfQuery = (device: Device, frame: Frame, at: LocalDate | undefined) =>
  Effect.gen(function* () {
    const { extent } = yield* Store
    if (frame === "all") return yield* extent(device.deviceId).pipe(orUnavailable, orNotFound(noSamplesYet))
    const zone = yield* zoneOf(device)
    return rangeOfFrame(frame, at ?? localDateOf(fromEpochMillis(yield* Clock.currentTimeMillis), zone), zone)
  })

/** The range and the bucket of a query. */
export const seriesRange = (device: Device, query: SeriesQuery) =>
  Effect.gen(function* () {
    const { at, bucket, frame, from, to } = query
    if (frame !== undefined) {
      if (from !== undefined || to !== undefined) return yield* refuse("frame", "give either a frame, or from and to")
      const range = yield* rangeOfQuery(device, frame, at)
      const chosen = bucket ?? bucketOf(frame)
      if (range.toMs - range.fromMs > longestMs[chosen]) {
        return yield* refuse("bucket", `a ${frame} is too long for points of a ${chosen}`)
      }
      return { range, bucket: chosen }
    }
    if (from === undefined) return yield* refuse("frame", "expected a frame, or from and bucket")
    if (bucket === undefined)
      return yield* refuse("bucket", "expected with from: minute, 15m, hour, day, week, month or year")
    return { range: yield* rangeBetween(device, from, to, longestMs[bucket]), bucket }
  })
