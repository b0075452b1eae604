import { Clock, Duration, Effect } from "effect"

/** The real clock, which can be told that time has passed: what is kept for a while has then aged. */
export const makeSkippingClock = () => {
  const real = Clock.make()
  let aheadMs = 0
  const unsafeCurrentTimeMillis = () => real.unsafeCurrentTimeMillis() + aheadMs
  const unsafeCurrentTimeNanos = () => real.unsafeCurrentTimeNanos() + BigInt(aheadMs) * 1_000_000n
  const clock: Clock.Clock = {
    ...real,
    sleep: (duration) => real.sleep(duration),
    unsafeCurrentTimeMillis,
    currentTimeMillis: Effect.sync(unsafeCurrentTimeMillis),
    unsafeCurrentTimeNanos,
    currentTimeNanos: Effect.sync(unsafeCurrentTimeNanos),
  }
  const skip = (duration: Duration.DurationInput) => Effect.sync(() => void (aheadMs += Duration.toMillis(duration)))
  return { clock, skip }
}
