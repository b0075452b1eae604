import { type DateTime, Duration, Effect, Stream } from "effect"
import type { MeterProbe } from "../../domain/ports/index.ts"
import type { Finding } from "../../infra/process/index.ts"
import { clockOffset, stampMoves } from "./Clocks.ts"
import { device, identity } from "./Device.ts"
import { findingOf, type MeterCheck } from "./Finding.ts"
import { push, pushRefused } from "./Push.ts"
import { fields, telegram } from "./Readings.ts"
import { unknownPath, wrongToken } from "./Refusals.ts"

export interface ConformanceOptions {
  /** The meter's time zone. */
  readonly zone: DateTime.TimeZone
  /** How long a meter is left alone between two checks; 500 ms as the vendor advises. */
  readonly between?: Duration.DurationInput
  /** How long it may take until there is a new telegram; 15 s, because a meter before DSMR 5 has one every 10 s. */
  readonly patience?: Duration.DurationInput
}

const pauseOf = ({ between }: ConformanceOptions): Duration.Duration => Duration.decode(between ?? "500 millis")

const checksAfterIdentity = (options: ConformanceOptions): ReadonlyArray<MeterCheck> => [
  device,
  fields,
  telegram(options.zone),
  push,
  pushRefused,
  wrongToken,
  unknownPath,
  stampMoves({ patience: options.patience ?? "15 seconds", askEvery: pauseOf(options) }),
  clockOffset(options.zone),
]

/**
 * Examines a meter from the outside, check after check, each told when it is over. Who does not prove to be a P1 meter
 * is asked nothing more, so that no token goes there.
 */
export const conformance = (options: ConformanceOptions): Stream.Stream<Finding, never, MeterProbe> =>
  Stream.flatMap(Stream.fromEffect(findingOf(identity)), (first) =>
    Stream.concat(
      Stream.succeed(first),
      first.verdict === "failed"
        ? Stream.empty
        : Stream.mapEffect(Stream.fromIterable(checksAfterIdentity(options)), (check) =>
            Effect.delay(findingOf(check), pauseOf(options)),
          ),
    ),
  )
