import { Duration, Schedule } from "effect"

/** Full jitter: up to 1 s before the first retry, twice that for each further one, never more than 60 s; whole milliseconds. */
export const backoff: Schedule.Schedule<Duration.Duration> = Schedule.exponential("1 second").pipe(
  Schedule.modifyDelay((_, delay) => Duration.min(delay, "60 seconds")),
  Schedule.jitteredWith({ min: 0, max: 1 }),
  Schedule.modifyDelay((_, delay) => Duration.millis(Math.round(Duration.toMillis(delay)))),
)

/** Backs off, and waits at least as long as the failure asks for. */
export const backoffAtLeast = <E>(wait: (failure: E) => Duration.Duration): Schedule.Schedule<unknown, E> =>
  Schedule.intersect(backoff, Schedule.addDelay(Schedule.identity<E>(), wait))
