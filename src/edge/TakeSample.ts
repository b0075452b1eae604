import { Clock, Data, type DateTime, Effect, Either, Option, Ref } from "effect"
import {
  type Instant,
  type Measurement,
  meterInfo,
  type MeterInfo,
  meterStampLength,
  normalize,
  type Sample,
  sameMeter,
} from "../domain/index.ts"
import { Meter, type MeterError, Spool, type SpoolError } from "../domain/ports/index.ts"
import { EdgeClock } from "./EdgeClock.ts"
import { EdgeStatus } from "./EdgeStatus.ts"
import { makeFirmwareVersion } from "./Firmware.ts"

/** The meter answers, but its reading time has not moved for too long. */
export class MeterStale extends Data.TaggedError("MeterStale")<{ readonly message: string }> {}

/** The meter answers with a measurement that is no sample. */
export class MeasurementUnusable extends Data.TaggedError("MeasurementUnusable")<{ readonly message: string }> {}

export type NotTaken = MeterError | SpoolError | MeterStale | MeasurementUnusable

const staleAfterNs = 60_000_000_000n

interface Taken {
  readonly ts: Instant
  readonly meterStamp: string | null
}

interface Progress {
  readonly last: Option.Option<Taken>
  /** When it was taken, or this program started, on the monotonic clock. */
  readonly sinceNs: bigint
  readonly lastMeter: Option.Option<MeterInfo>
}

const stampOf = ({ timestamp }: Measurement): string | null => timestamp?.slice(0, meterStampLength) ?? null

/**
 * One step of polling, going on from what the spool says was taken last: reads the meter and, when the telegram is a
 * new one, spools its sample. What has been spooled has been counted, also when the program is told to stop meanwhile.
 */
export const makeTakeSample = Effect.fn("makeTakeSample")(function* (options: { readonly zone: DateTime.TimeZone }) {
  const meter = yield* Meter
  const spool = yield* Spool
  const clock = yield* EdgeClock
  const status = yield* EdgeStatus
  const lastMeter = yield* spool.lastMeter
  const firmwareVersion = yield* makeFirmwareVersion(
    Option.getOrNull(Option.map(lastMeter, (said) => said.firmwareVersion)),
  )
  const progress = yield* Ref.make<Progress>({
    last: yield* spool.lastTaken,
    sinceNs: yield* Clock.currentTimeNanos,
    lastMeter,
  })

  const append = (sample: Sample, said: MeterInfo, nowNs: bigint) =>
    Effect.gen(function* () {
      const { lastMeter } = yield* Ref.get(progress)
      const news = Option.exists(lastMeter, (before) => sameMeter(before, said)) ? null : said
      yield* spool.append(sample, news)
      const { meterStamp, ts } = sample
      const known = news === null ? lastMeter : Option.some(news)
      yield* Ref.set(progress, { last: Option.some({ ts, meterStamp }), sinceNs: nowNs, lastMeter: known })
      yield* Ref.update(status, (state) => ({
        ...state,
        taken: state.taken + 1,
        waiting: state.waiting + 1,
        lastSampleTs: Option.some(ts),
      }))
    }).pipe(Effect.uninterruptible)

  const takeSample: Effect.Effect<Option.Option<Sample>, NotTaken> = Effect.gen(function* () {
    const firmware = yield* firmwareVersion.current
    const measurement = yield* meter.measurement
    const nowNs = yield* Clock.currentTimeNanos
    const { last, sinceNs } = yield* Ref.get(progress)
    const stamp = stampOf(measurement)
    if (stamp !== null && Option.exists(last, ({ meterStamp }) => meterStamp === stamp)) {
      if (nowNs - sinceNs < staleAfterNs) return Option.none()
      return yield* new MeterStale({
        message: `The meter has given no new telegram since ${stamp}: check the cable between dongle and meter.`,
      })
    }
    const edge = yield* clock.time
    const previous = Option.map(last, ({ ts }) => ({ ts, elapsedMs: Number(nowNs - sinceNs) / 1e6 }))
    const normalized = normalize(measurement, { zone: options.zone, edge, previous })
    if (Either.isLeft(normalized)) {
      return yield* new MeasurementUnusable({
        message: `The meter's measurement is no sample: ${normalized.left.reason}.`,
      })
    }
    const sample = normalized.right
    yield* append(sample, meterInfo(measurement, sample.ts, firmware), nowNs)
    return Option.some(sample)
  })
  return { takeSample }
})
