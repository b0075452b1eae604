import { Metric, MetricBoundaries } from "effect"

const bounds = MetricBoundaries.fromIterable

/** Rows that came in, by what became of them. */
export const ingestRows = (outcome: "inserted" | "duplicate" | "conflict" | "rejected") =>
  Metric.counter("p1_ingest_rows_total", {
    description: "Rows received, by outcome; a conflict is a duplicate with other values",
    incremental: true,
  }).pipe(Metric.tagged("outcome", outcome))

/** From a batch's newest sample to its commit. */
export const ingestLag = Metric.histogram(
  "p1_ingest_lag_seconds",
  bounds([0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3_600, 86_400]),
  "Age of a batch's newest sample when it was stored",
)

export const requestTime = Metric.histogram(
  "p1_http_request_duration_seconds",
  bounds([0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]),
  "Time to answer, by route, method and status; of streams until their first byte",
)

const times = new Map<string, typeof requestTime>()

/** The time of one route, method and status, of which there are few. */
export const requestTimeOf = (route: string, method: string, status: number): typeof requestTime => {
  const key = `${method} ${route} ${status}`
  const known = times.get(key)
  if (known !== undefined) return known
  const labels = { route, method, status: String(status) }
  const made = Object.entries(labels).reduce((time, [name, value]) => Metric.tagged(time, name, value), requestTime)
  times.set(key, made)
  return made
}

export const cacheReads = (cache: "realtime" | "answers", result: "hit" | "miss") =>
  Metric.counter("p1_cache_reads_total", { description: "Reads of a cache, by result", incremental: true }).pipe(
    Metric.tagged("cache", cache),
    Metric.tagged("result", result),
  )

export const streams = Metric.gauge("p1_stream_clients", { description: "Clients that read a realtime stream" })
