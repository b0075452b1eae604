import { Clock, DateTime, Effect, Option, ParseResult, Schema } from "effect"

const isoWithOffset = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/

export type Instant = DateTime.Utc

/** No sample is older: a clock that says less has never been set. */
export const earliestMs = Date.UTC(2020)

/** The instant of a number of milliseconds since 1970-01-01T00:00:00Z. */
export const fromEpochMillis = (epochMillis: number): Instant => DateTime.unsafeMake(epochMillis)

/** The time by the monotonic clock: that of the wall clock when the process began, and what has passed since. */
export const steadyNow: Effect.Effect<Instant> = Effect.map(Clock.currentTimeNanos, (nanos) =>
  fromEpochMillis(Number(nanos / 1_000_000n)),
)

/** Whether a `YYYY-MM-DD` is a day that exists; the platform's parser takes 30 February for 2 March. */
export const isCalendarDate = (date: string): boolean => {
  const epochMillis = Date.parse(`${date}T00:00:00Z`)
  return !Number.isNaN(epochMillis) && DateTime.formatIsoDateUtc(fromEpochMillis(epochMillis)) === date
}

/** A point in time, UTC, to the millisecond. On the wire ISO 8601 with an offset; always written with `Z`. */
export const Instant = Schema.transformOrFail(
  Schema.String.annotations({
    title: "Instant",
    description: "An instant, ISO 8601 with offset, for example 2026-03-29T00:59:59Z",
    jsonSchema: { type: "string", format: "date-time" },
  }),
  Schema.DateTimeUtcFromSelf,
  {
    strict: true,
    decode: (text, _, ast) =>
      isoWithOffset.test(text) && isCalendarDate(text.slice(0, 10))
        ? Option.match(DateTime.make(text), {
            onNone: () => ParseResult.fail(new ParseResult.Type(ast, text, "not a date that exists")),
            onSome: (parsed) => ParseResult.succeed(DateTime.toUtc(parsed)),
          })
        : ParseResult.fail(
            new ParseResult.Type(ast, text, "expected ISO 8601 with an offset, such as 2026-03-29T00:59:59Z"),
          ),
    encode: (instant) => ParseResult.succeed(DateTime.formatIso(instant)),
  },
)
