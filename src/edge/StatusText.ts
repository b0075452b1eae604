import { DateTime, Duration } from "effect"
import type { Instant } from "../domain/index.ts"
import type { StatusReport } from "./StatusReport.ts"

const number = (value: number): string => value.toLocaleString("en")

const size = (bytes: number): string =>
  bytes < 1_000_000 ? `${number(Math.ceil(bytes / 1000))} KB` : `${number(Math.round(bytes / 1_000_000))} MB`

/** The two largest parts of a time: `3 h 12 min`, `4 d 2 h`, `41 s`. */
export const lasting = (seconds: number): string => {
  const { days, hours, minutes, seconds: rest } = Duration.parts(Duration.seconds(Math.max(0, Math.round(seconds))))
  const parts = [
    [days, "d"],
    [hours, "h"],
    [minutes, "min"],
    [rest, "s"],
  ] as const
  const from = parts.findIndex(([value]) => value > 0)
  if (from === -1) return "0 s"
  return parts
    .slice(from, from + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ")
}

const sinceS = (instant: Instant, now: Instant): number => (now.epochMillis - instant.epochMillis) / 1000
const ago = (instant: Instant | null, now: Instant, never: string): string =>
  instant === null ? never : `${lasting(sinceS(instant, now))} ago`

const barWidth = 30
const bar = (share: number): string => {
  const full = Math.round(share * barWidth)
  return `${"█".repeat(full)}${"░".repeat(barWidth - full)} ${Math.floor(share * 100)} %`
}

const spool = ({ spool: { bytes, oldest_ts: oldestTs, waiting } }: StatusReport, now: Instant): string =>
  waiting === 0
    ? `empty, ${size(bytes)} on the disk`
    : `${number(waiting)} samples wait, the oldest taken ${ago(oldestTs, now, "some time ago")}; ${size(bytes)} on the disk`

const upload = ({
  spool: { waiting },
  upload: { backlog_of: backlogOf, samples_per_second: rate },
  uploaded,
}: StatusReport) => {
  const done = `${number(uploaded)} samples since the start`
  if (backlogOf === null) return [done]
  const left = rate > 0 ? `${number(Math.round(rate))} a second, ${lasting(waiting / rate)} to go` : "no progress now"
  return [`${done}; ${left}`, bar(1 - waiting / backlogOf)]
}

const clock = (offsetMs: number | null): string => {
  if (offsetMs === null) return "not compared with the server's yet"
  if (Math.abs(offsetMs) < 1000) return "right, within a second of the server's"
  return `${lasting(Math.abs(offsetMs) / 1000)} ${offsetMs > 0 ? "ahead of" : "behind"} the server's`
}

const taken = ({ bad_readings: bad, missed, taken }: StatusReport): string =>
  `${number(taken)} taken since the start, ${number(missed)} missed${bad > 0 ? `, ${number(bad)} readings unusable` : ""}`

/** What a person wants to know of a running edge. Samples have the meter's time, which is the server's as a rule. */
export const statusText = (report: StatusReport, now: Instant): string => {
  const { spool: counts } = report
  const ms = counts.commit_p99_ms
  const right = DateTime.subtract(now, { millis: report.clock_offset_ms ?? 0 })
  const some = (name: string, count: number, text: string) =>
    count > 0 ? [[name, `${number(count)} samples ${text}`] as const] : []
  const error = (text: string | null) => (text === null ? [] : [["", text] as const])
  const lines: ReadonlyArray<readonly [string, string]> = [
    ["meter", `${report.meter}, last sample ${ago(report.last_sample_ts, right, "never")}`],
    ...error(report.meter_error),
    ["samples", taken(report)],
    ["spool", spool(report, right)],
    ...(ms === null ? [] : [["disk", `99 of 100 commits within ${number(ms)} ms`] as const]),
    ["upload", `to ${report.server}`],
    ...upload(report).map((text) => ["", text] as const),
    ...error(report.upload_error),
    ["clock", clock(report.clock_offset_ms)],
    ...some("quarantine", counts.quarantined, "that the server refused: see p1-edge quarantine list"),
    ...some("thinned", counts.thinned, "gave way to the bound on the spool; no energy is lost"),
    ...some("salvaged", counts.salvaged, "read out of a damaged spool"),
    ...some("lost", counts.lost, "of a damaged spool"),
  ]
  return [
    `p1-edge runs since ${lasting(sinceS(report.started_at, now))} (process ${report.pid})`,
    ...lines.map(([name, text]) => `  ${name.padEnd(12)}${text}`),
  ].join("\n")
}
