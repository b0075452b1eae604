import { Data, DateTime, Duration, Option } from "effect"
import type { Instant } from "../domain/index.ts"

/**
 * Why a batch was not accepted. `Transient` passes by itself; `Held` needs somebody's hand, so that it is only probed;
 * `TooLarge` wants a smaller batch. None of them costs a sample.
 */
export class UploadFailed extends Data.TaggedError("UploadFailed")<{
  readonly kind: "Transient" | "Held" | "TooLarge"
  readonly message: string
  /** How long the server wants to be left alone. */
  readonly retryAfter: Option.Option<Duration.Duration>
}> {}

const passing = [408, 425, 429]
const noEndpoint = [404, 405, 415, 426]

/** What a status other than 2xx means for the samples. `detail` is what the server says of it. */
export const failureOfStatus = (
  status: number,
  detail: Option.Option<string>,
  retryAfter: Option.Option<Duration.Duration>,
): UploadFailed => {
  const said = Option.match(detail, { onNone: () => "", onSome: (text) => `: ${text}` })
  const failed = (kind: UploadFailed["kind"], sentence: string) =>
    new UploadFailed({ kind, message: `${sentence} (${status}${said})`, retryAfter })
  if (status === 413) return failed("TooLarge", "The batch is too large for the server")
  if (status === 401 || status === 403) {
    return failed("Held", "The server refuses the token: set VPS_DEVICE_TOKEN to one it knows and restart")
  }
  if (status < 400 || noEndpoint.includes(status)) {
    return failed("Held", "The address takes no samples: check VPS_INGEST_URL")
  }
  if (status >= 500 || passing.includes(status)) return failed("Transient", "The server cannot take samples now")
  return failed("Held", "The server refuses the batch as a whole: update edge and server to the same version")
}

const longestWait = Duration.minutes(15)

/** A `Retry-After` in seconds or as a date, as it is seen from `now`; at most 15 minutes. Source: RFC 9110, 10.2.3. */
export const retryAfterOf = (text: string, now: Instant): Option.Option<Duration.Duration> => {
  const wait = /^\d+$/.test(text.trim())
    ? Option.some(Number(text) * 1000)
    : Option.map(instantOfHttpDate(text), (date) => date.epochMillis - now.epochMillis)
  return wait.pipe(
    Option.filter((ms) => ms > 0),
    Option.map((ms) => Duration.min(Duration.millis(ms), longestWait)),
  )
}

/** The instant of a `Date` header, `Sun, 06 Nov 1994 08:49:37 GMT`. */
export const instantOfHttpDate = (text: string): Option.Option<Instant> =>
  Option.map(DateTime.make(Date.parse(text)), DateTime.toUtc)
