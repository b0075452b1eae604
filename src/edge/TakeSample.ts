import { Clock, type DateTime, Duration, Effect, Either, Option, Ref } from "effect"
import {
  type Instant,
  instantsOfStamp,
  type Measurement,
  meterInfo,
  type MeterInfo,
  meterStampLength,
  normalize,
  type Reported,
  type Sample,
  sameMeter,
  stampMovesOn,
} from "../domain/index.ts"
import { Meter, Spool } from "../domain/ports/index.ts"
import { EdgeClock } from "./EdgeClock.ts"
import { EdgeStatus } from "./EdgeStatus.ts"
import { makeFirmwareVersion } from "./Firmware.ts"
import { makeFlaggedTime } from "./FlaggedTime.ts"
import { type NotTaken, stale, unusable } from "./NotTaken.ts"
import { makeTelegramGaps } from "./TelegramGaps.ts"

interface Taken {
  readonly ts: Instant
  readonly meterStamp: string | null
  readonly thisRun: boolean
}

/** A telegram whose stamp did not fit: an old reading, unless the next one moves on from it, as of a wrong clock. */
interface Held {
  readonly stamp: string
  readonly atNs: bigint
}

interface Progress {
  readonly last: Option.Option<Taken>
  /** When it was taken, or this program started, on the monotonic clock. */
  readonly sinceNs: bigint
  readonly lastMeter: Option.Option<MeterInfo>
  readonly reported: Option.Option<Reported>
  readonly held: Option.Option<Held>
}

const stampOf = ({ timestamp }: Measurement): string | null => timestamp?.slice(0, meterStampLength) ?? null
const heldAs = (stamp: string | null, atNs: bigint): Option.Option<Held> =>
  Option.map(Option.fromNullable(stamp), (stamp) => ({ stamp, atNs }))
const msBetween = (fromNs: bigint, toNs: bigint): number => Number(toNs - fromNs) / 1e6

export interface TakeSampleOptions {
  readonly zone: DateTime.TimeZone
  /** How long the meter may give no new telegram; a minute unless given. */
  readonly staleAfter?: Duration.DurationInput
}

/**
 * Takes readings, going on from what the spool says was taken last: a telegram that is a new one becomes a spooled
 * sample, whichever way it came. What has been spooled has been counted, also when the program is told to stop
 * meanwhile.
 */
export const makeTakeSample = Effect.fn("makeTakeSample")(function* (options: TakeSampleOptions) {
  const { staleAfter = "1 minute", zone } = options
  const staleAfterNs = Duration.unsafeToNanos(staleAfter)
  const meter = yield* Meter
  const spool = yield* Spool
  const clock = yield* EdgeClock
  const status = yield* EdgeStatus
  const gaps = yield* makeTelegramGaps
  const flagged = yield* makeFlaggedTime(zone)
  const lastMeter = yield* spool.lastMeter
  const firmwareVersion = yield* makeFirmwareVersion(
    Option.getOrNull(Option.map(lastMeter, (said) => said.firmwareVersion)),
  )
  const progress = yield* Ref.make<Progress>({
    last: Option.map(yield* spool.lastTaken, (taken) => ({ ...taken, thisRun: false })),
    sinceNs: yield* Clock.currentTimeNanos,
    lastMeter,
    reported: Option.none(),
    held: Option.none(),
  })

  const append = (measurement: Measurement, sample: Sample, said: MeterInfo, nowNs: bigint) =>
    Effect.gen(function* () {
      const { lastMeter } = yield* Ref.get(progress)
      const news = Option.exists(lastMeter, (before) => sameMeter(before, said)) ? null : said
      yield* spool.append(sample, news)
      const missed = yield* gaps.before(sample)
      yield* Ref.set(progress, {
        last: Option.some({ ts: sample.ts, meterStamp: sample.meterStamp, thisRun: true }),
        sinceNs: nowNs,
        lastMeter: news === null ? lastMeter : Option.some(news),
        reported: Option.some({ measurement, sample }),
        held: sample.tsSource === "meter" ? Option.none() : heldAs(sample.meterStamp, nowNs),
      })
      yield* Ref.update(status, (state) => ({
        ...state,
        taken: state.taken + 1,
        missed: state.missed + missed,
        waiting: state.waiting + 1,
        lastSampleTs: Option.some(sample.ts),
      }))
    }).pipe(Effect.uninterruptible)

  /** Only a start in the repeated hour, with a clock of unknown worth, needs the flag: afterwards time has a thread. */
  const flaggedTime = (stamp: string | null, { last }: Progress, trusted: boolean) =>
    stamp !== null &&
    !trusted &&
    !Option.exists(last, ({ thisRun }) => thisRun) &&
    instantsOfStamp(stamp, zone).length > 1
      ? flagged.current
      : Effect.succeedNone

  const take = (measurement: Measurement): Effect.Effect<Option.Option<Sample>, NotTaken> =>
    Effect.gen(function* () {
      const firmware = yield* firmwareVersion.current
      const nowNs = yield* Clock.currentTimeNanos
      const before = yield* Ref.get(progress)
      const stamp = stampOf(measurement)
      const isStale = nowNs - before.sinceNs >= staleAfterNs
      if (stamp !== null && Option.exists(before.last, ({ meterStamp }) => meterStamp === stamp)) {
        return isStale ? yield* stale(stamp) : Option.none()
      }
      const edge = yield* clock.time
      const normalized = normalize(measurement, {
        zone,
        edge,
        previous: Option.map(before.last, ({ thisRun, ts }) => ({
          ts,
          thisRun,
          elapsedMs: msBetween(before.sinceNs, nowNs),
        })),
        telegram: yield* flaggedTime(stamp, before, edge.trusted),
        movesOn: Option.exists(
          before.held,
          (held) => stamp !== null && stampMovesOn(held.stamp, stamp, msBetween(held.atNs, nowNs)),
        ),
        reported: before.reported,
      })
      if (Either.isLeft(normalized)) {
        const { reason } = normalized.left
        if (reason === "DoubtfulStamp" && stamp !== null) {
          yield* Ref.set(progress, { ...before, held: heldAs(stamp, nowNs) })
          if (isStale && Option.exists(before.held, (held) => held.stamp === stamp)) return yield* stale(stamp)
        }
        return yield* unusable(reason, stamp)
      }
      const sample = normalized.right
      yield* append(measurement, sample, meterInfo(measurement, sample.ts, firmware), nowNs)
      return Option.some(sample)
    })

  /** Takes what the meter says when it is asked. */
  const takeSample: Effect.Effect<Option.Option<Sample>, NotTaken> = Effect.flatMap(meter.measurement, take)
  return { take, takeSample }
})
