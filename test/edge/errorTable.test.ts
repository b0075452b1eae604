import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Redacted, TestClock } from "effect"
import * as Uploader from "../../src/edge/Uploader.ts"
import { batchOf, edgeInMemory, recordLogs, spoolSamples, state, waiting } from "./support/edge.ts"

const samples = 8
const poison = 5

type Numbers = ReadonlyArray<number>
type Outcome = Response | { readonly code: string } | "silence"
type Answer = (numbers: Numbers) => Outcome

const accept: Answer = ({ length }) =>
  Response.json({ received: length, inserted: length, duplicates: 0, conflicts: 0, rejected: [] })
const status = (code: number, headers: Record<string, string> = {}): Answer => {
  return () => new Response(null, { status: code, headers })
}
/** Refuses every batch that has the one sample in it. */
const whenPoisoned =
  (code: number): Answer =>
  (numbers) =>
    numbers.includes(poison) ? new Response(null, { status: code }) : accept(numbers)

/** A verdict of its own for each sample: two are new, the poison is invalid, all others are there already. */
const eachItsOwn: Answer = (numbers) => {
  const rejected = numbers.flatMap((n, index) => (n === poison ? [{ index, code: "invalid", message: "absurd" }] : []))
  const counts = { received: numbers.length, inserted: 2, duplicates: numbers.length - 2 - rejected.length }
  return Response.json({ ...counts, conflicts: 0, rejected })
}

const reply = (outcome: Outcome, request: HttpClientRequest.HttpClientRequest) => {
  if (outcome === "silence") return Effect.never
  return outcome instanceof Response
    ? Effect.succeed(HttpClientResponse.fromWeb(request, outcome))
    : new HttpClientError.RequestError({ request, reason: "Transport", cause: outcome })
}

/** When the server was asked in a quarter of an hour of such answers, what became of the samples, and what after it. */
const quarterOfAnHourOf = (answer: Answer) =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const logs = yield* recordLogs
    const askedAtMs: Array<number> = []
    let current = answer
    const client = HttpClient.make((request, url) => {
      const body = request.body._tag === "Uint8Array" ? request.body.body : new Uint8Array()
      const sent = batchOf({ url: url.toString(), headers: request.headers, body }).samples
      askedAtMs.push(clock.unsafeCurrentTimeMillis())
      return reply(current(sent.map(({ powerW }) => powerW - 1000)), request)
    })
    const uploader = Uploader.layer({
      server: { url: "https://p1.example.org", token: Effect.succeed(Redacted.make("p1d_secret")) },
      interval: "1 second",
    })
    yield* spoolSamples(samples)
    yield* Layer.build(Layer.provide(uploader, [Layer.succeed(HttpClient.HttpClient, client), logs.layer]))
    yield* Effect.repeatN(TestClock.adjust("30 seconds"), 29)
    const { quarantined, uploaded } = yield* state
    const gapsS = askedAtMs.slice(1).map((atMs, n) => (atMs - (askedAtMs[n] ?? 0)) / 1000)
    current = accept
    const left = yield* Effect.repeat(Effect.zipRight(TestClock.adjust("30 seconds"), waiting), {
      until: (samples) => samples === 0,
      times: 32,
    })
    return { gapsS, quarantined, uploaded, left }
  }).pipe(Effect.scoped, Effect.provide(edgeInMemory))

type Gaps = ReadonlyArray<number>
const all = (is: (gap: number) => boolean) => (gaps: Gaps) => gaps.every(is)
/** Full jitter between 1 s and 60 s, and `extraS` for each time that the server was silent. */
const backsOff = (gaps: Gaps, extraS = 0) =>
  gaps.length >= 12 &&
  Math.max(...gaps) <= 60 + extraS &&
  Math.min(...gaps.slice(0, 3)) < 2 + extraS &&
  new Set(gaps).size > 8
const afterSilence = (gaps: Gaps) => backsOff(gaps, 30)
const eachMinute = (gaps: Gaps) => gaps.length >= 14 && gaps.every((gap) => gap === 60)
const thriceThenEachMinute = (gaps: Gaps) =>
  gaps.length >= 14 && gaps.slice(0, 2).every((gap) => gap <= 2) && gaps.slice(2).every((gap) => gap === 60)
const atOnce = all((gap) => gap === 0)
const never = (gaps: Gaps) => gaps.length === 0

const kept = { quarantined: 0, uploaded: 0 }
const butForThePoison = { quarantined: 1, uploaded: samples - 1 }

interface Cell {
  readonly answer: Answer
  readonly asks: (gaps: Gaps) => boolean
  readonly becomes: { readonly quarantined: number; readonly uploaded: number }
}

const transport = (code: string): Cell => ({ answer: () => ({ code }), asks: backsOff, becomes: kept })
const transient = (code: number): Cell => ({ answer: status(code), asks: backsOff, becomes: kept })
const held = (code: number): Cell => ({ answer: status(code), asks: eachMinute, becomes: kept })
const redirect = (code: number): Cell => ({
  answer: status(code, { location: "https://elsewhere.example" }),
  asks: eachMinute,
  becomes: kept,
})
const busy = (code: number, retryAfter: string, asks: Cell["asks"]): Cell => ({
  answer: status(code, { "retry-after": retryAfter }),
  asks,
  becomes: kept,
})
const poisoned = (code: number): Cell => ({ answer: whenPoisoned(code), asks: atOnce, becomes: butForThePoison })

const table: Readonly<Record<string, Cell>> = {
  "2xx, valid body: each by its verdict": { answer: eachItsOwn, asks: never, becomes: butForThePoison },
  "2xx with unreadable body: sent again three times, then an alarm": {
    answer: () => new Response("<html>"),
    asks: thriceThenEachMinute,
    becomes: kept,
  },
  "2xx without a body": { answer: status(204), asks: thriceThenEachMinute, becomes: kept },
  "network error": transport("ECONNRESET"),
  timeout: { answer: () => "silence", asks: afterSilence, becomes: kept },
  "TLS error": transport("CERT_HAS_EXPIRED"),
  DNS: transport("ENOTFOUND"),
  "408": transient(408),
  "425": transient(425),
  "500": transient(500),
  "501": transient(501),
  "502": transient(502),
  "503": transient(503),
  "504": transient(504),
  "429": transient(429),
  "429 with Retry-After in seconds": busy(
    429,
    "120",
    all((gap) => gap === 120),
  ),
  "429 with Retry-After as a date": busy(429, "Thu, 01 Jan 1970 00:05:00 GMT", (gaps) => gaps[0] === 300),
  "429 with Retry-After gone by": busy(429, "Mon, 01 Jan 1940 00:00:00 GMT", backsOff),
  "429 with Retry-After of garbage": busy(429, "soon", backsOff),
  "429 with Retry-After of years": busy(
    429,
    "99999999",
    all((gap) => gap === 900),
  ),
  "503 with Retry-After in seconds": busy(
    503,
    "240",
    all((gap) => gap === 240),
  ),
  "401": held(401),
  "403": held(403),
  "404": held(404),
  "405": held(405),
  "415": held(415),
  "426": held(426),
  "413: halved down to the one that is too large": poisoned(413),
  "400: bisected down to the poison": poisoned(400),
  "422: bisected down to the poison": poisoned(422),
  "409: the one in conflict, and no loop": poisoned(409),
  "301": redirect(301),
  "302": redirect(302),
  "307": redirect(307),
  "308": redirect(308),
}

describe("the table of upload errors", () => {
  it.effect.each(Object.entries(table))("%s", ([, { answer, asks, becomes }]) =>
    Effect.gen(function* () {
      const { gapsS, left, ...outcome } = yield* quarterOfAnHourOf(answer)
      expect(outcome).toEqual(becomes)
      expect([gapsS, asks(gapsS)]).toEqual([gapsS, true])
      expect(left).toBe(0)
    }),
  )
})
