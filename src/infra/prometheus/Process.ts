import { monitorEventLoopDelay } from "node:perf_hooks"
import { Effect, type Scope } from "effect"
import type { Family } from "./Text.ts"

const gauge = (name: string, help: string, value: number): Family => ({
  name,
  type: "gauge",
  help,
  points: [{ labels: {}, value }],
})

const seconds = (nanoseconds: number): number => (Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : 0)

/** Memory, processor time and the event loop's delay since it was last asked. */
export const processFamilies: Effect.Effect<Effect.Effect<ReadonlyArray<Family>>, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const delay = monitorEventLoopDelay({ resolution: 10 })
      delay.enable()
      return delay
    }),
    (delay) => Effect.sync(() => delay.disable()),
  ),
  (delay) =>
    Effect.sync((): ReadonlyArray<Family> => {
      const quantiles = [
        { labels: { quantile: "0.5" }, value: seconds(delay.percentile(50)) },
        { labels: { quantile: "0.99" }, value: seconds(delay.percentile(99)) },
        { labels: { quantile: "1" }, value: seconds(delay.max) },
      ]
      delay.reset()
      const { system, user } = process.cpuUsage()
      return [
        gauge("process_resident_memory_bytes", "Resident memory", process.memoryUsage.rss()),
        gauge("process_uptime_seconds", "Time since the process started", process.uptime()),
        {
          name: "process_cpu_seconds_total",
          type: "counter",
          help: "Processor time, user and system",
          points: [{ labels: {}, value: (system + user) / 1e6 }],
        },
        {
          name: "p1_event_loop_delay_seconds",
          type: "gauge",
          help: "Delay of the event loop since the last scrape, its sampling interval of 10 ms included",
          points: quantiles,
        },
      ]
    }),
)
