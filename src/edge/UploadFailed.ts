import { Data, DateTime, Duration, Option } from "effect"
import type { Instant } from "../domain/index.ts"

/**
 * Why a batch was not accepted. None of them costs a sample.
 *
 * - `Transient` passes by itself.
 * - `TimedOut` too, but the batch may be more than the line carries.
 * - `Unbelieved`: a reply that accounts for nothing; it may be somebody else who answers.
 * - `Held` needs somebody's hand, so that it is only probed.
 * - `TooLarge` wants a smaller batch.
 * - `Refused`: the server does not want these samples, or one of them.
 */
export class UploadFailed extends Data.TaggedError("UploadFailed")<{
  readonly kind: "Transient" | "TimedOut" | "Unbelieved" | "Held" | "TooLarge" | "Refused"
  readonly message: string
  /** How long the server wants to be left alone. */
  readonly retryAfter: Option.Option<Duration.Duration>
}> {}

export const uploadFailed = (
  kind: UploadFailed["kind"],
  message: string,
  retryAfter: Option.Option<Duration.Duration> = Option.none(),
): UploadFailed => new UploadFailed({ kind, message, retryAfter })

const passing = [408, 425, 429]
const noEndpoint = [404, 405, 415, 426]
const refusing = [400, 409, 422]

const meaningOf = (status: number): readonly [UploadFailed["kind"], string] => {
  if (status === 413) return ["TooLarge", "The batch is too large for the server"]
  if (refusing.includes(status)) return ["Refused", "The server refuses the samples"]
  if (status === 401 || status === 403) {
    return ["Held", "The server refuses the token: set VPS_DEVICE_TOKEN, or its file, to one it knows"]
  }
  if (status < 400) return ["Held", "The address leads elsewhere, which is not followed: check VPS_INGEST_URL"]
  if (noEndpoint.includes(status)) return ["Held", "The address takes no samples: check VPS_INGEST_URL"]
  if (status >= 500 || passing.includes(status)) return ["Transient", "The server cannot take samples now"]
  return ["Held", "The server refuses the request: update edge and server to the same version"]
}

/** What a status other than 2xx means for the samples. `detail` is what the server says of it. */
export const failureOfStatus = (
  status: number,
  detail: Option.Option<string>,
  retryAfter: Option.Option<Duration.Duration>,
): UploadFailed => {
  const said = Option.match(detail, { onNone: () => "", onSome: (text) => `: ${text}` })
  const [kind, sentence] = meaningOf(status)
  return uploadFailed(kind, `${sentence} (${status}${said})`, retryAfter)
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
