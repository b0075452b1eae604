import { Clock, type DateTime, Duration, Effect, Either, Option, Ref } from "effect"
import {
  earliestMs,
  fromEpochMillis,
  instantsOfStamp,
  type Measurement,
  meterInfo,
  type MeterInfo,
  normalize,
  type Sample,
  sameMeter,
  stampMovesOn,
  stampsReported,
  wasTaken,
} from "../domain/index.ts"
import { Meter, Spool } from "../domain/ports/index.ts"
import { EdgeClock } from "./EdgeClock.ts"
import { EdgeStatus } from "./EdgeStatus.ts"
import { makeFirmwareVersion } from "./Firmware.ts"
import { makeFlaggedTime } from "./FlaggedTime.ts"
import { type NotTaken, stale, unusable } from "./NotTaken.ts"
import { begin, cameLate, heldAs, type Progress, stampOf, withLate, withNewest } from "./Progress.ts"
import { makeRepeatedHour } from "./RepeatedHour.ts"
import { makeTelegramGaps } from "./TelegramGaps.ts"

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
  const repeatedHour = yield* makeRepeatedHour(zone)
  const progress = yield* Ref.make<Progress>(
    begin({
      lastTaken: yield* spool.lastTaken,
      lastMeter,
      known: repeatedHour.known,
      nowNs: yield* Clock.currentTimeNanos,
    }),
  )

  const append = (measurement: Measurement, sample: Sample, said: MeterInfo, nowNs: bigint) =>
    Effect.gen(function* () {
      const before = yield* Ref.get(progress)
      const news = Option.exists(before.lastMeter, (last) => sameMeter(last, said)) ? null : said
      yield* spool.append(sample, news)
      const late = cameLate(before, sample)
      const missed = late ? -1 : yield* gaps.before(sample)
      const known = late ? before.known : stampsReported(measurement, sample, { zone, known: before.known })
      const lastMeter = news === null ? before.lastMeter : Option.some(news)
      yield* Ref.set(
        progress,
        late
          ? withLate({ ...before, lastMeter }, measurement, sample)
          : withNewest(before, { measurement, sample, lastMeter, known, nowNs }),
      )
      yield* Ref.update(status, (state) => ({
        ...state,
        taken: state.taken + 1,
        missed: Math.max(0, state.missed + missed),
        waiting: state.waiting + 1,
        lastSampleTs: late ? state.lastSampleTs : Option.some(sample.ts),
      }))
      // A disk that does not keep it now is asked again when there is a new one.
      yield* Effect.ignore(repeatedHour.keep(known))
    }).pipe(Effect.uninterruptible)

  const startedAfter = Option.match(yield* spool.lastTaken, {
    onNone: () => fromEpochMillis(0),
    onSome: ({ ts }) => ts,
  })

  /**
   * Gives the samples of this run that were taken before this machine's clock was set their time. How long before it an
   * earlier run ended nobody knows: its samples stay as they are, and the server refuses them. Where the disk has no room
   * for it now, this sample waits with them for the next one.
   */
  const withEarlier = ({ last, sinceNs }: Progress, sample: Sample, nowNs: bigint): Effect.Effect<Sample> =>
    Effect.gen(function* () {
      if (sample.ts.epochMillis < earliestMs || Option.isNone(last) || !last.value.thisRun) return sample
      const lastMs = last.value.ts.epochMillis
      if (lastMs >= earliestMs) return sample
      const hereMs = lastMs + Math.max(1, Math.round(msBetween(sinceNs, nowNs)))
      const moved = yield* Effect.either(
        spool.retime(startedAfter, fromEpochMillis(earliestMs), sample.ts.epochMillis - hereMs),
      )
      if (Either.isLeft(moved)) return { ...sample, ts: fromEpochMillis(hereMs), tsSource: "elapsed" as const }
      yield* Ref.update(progress, (now) => ({ ...now, lastMeter: Option.none() }))
      yield* Effect.logInfo("The time is known: samples taken before it was have been given theirs").pipe(
        Effect.annotateLogs({ samples: moved.right }),
      )
      return sample
    })

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
      const isKnown = Option.exists(before.last, ({ meterStamp }) => meterStamp === stamp)
      if (stamp !== null && (isKnown || wasTaken(before.recent, measurement, stamp))) {
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
        known: before.known,
        recent: before.recent,
      })
      if (Either.isLeft(normalized)) {
        const { reason } = normalized.left
        if (reason === "DoubtfulStamp" && stamp !== null) {
          yield* Ref.set(progress, { ...before, held: heldAs(stamp, nowNs) })
          if (isStale && Option.exists(before.held, (held) => held.stamp === stamp)) return yield* stale(stamp)
        }
        return yield* unusable(reason, stamp)
      }
      const sample = yield* withEarlier(before, normalized.right, nowNs)
      yield* append(measurement, sample, meterInfo(measurement, sample.ts, firmware), nowNs)
      return Option.some(sample)
    })

  /** Takes what the meter says when it is asked. */
  const takeSample: Effect.Effect<Option.Option<Sample>, NotTaken> = Effect.flatMap(meter.measurement, take)
  return { take, takeSample }
})
