import { gunzipSync } from "node:zlib"
import { HttpClient, HttpClientResponse } from "@effect/platform"
import { Clock, DateTime, Effect, Layer, Logger, Ref, Schema } from "effect"
import { Batch, Measurement } from "../../../src/domain/index.ts"
import { type EdgeState, Spool } from "../../../src/domain/ports/index.ts"
import { EdgeClock, EdgeStatus, MeteredPeaks } from "../../../src/edge/index.ts"
import { MemoryEdgeState, MemorySpool } from "../../../src/infra/memory/index.ts"
import { sampleAt } from "../../infra/samples.ts"

export const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")

/** What a meter says at a stamp. */
export const telegram = (timestamp: string | null, fields: Record<string, unknown> = {}): Measurement =>
  Schema.decodeUnknownSync(Measurement)({
    unique_id: "4530",
    power_w: 400,
    energy_import_kwh: 100,
    ...(timestamp !== null && { timestamp }),
    ...fields,
  })

/** The stamp of second `n` of a summer's day. */
export const stamp = (n: number): string =>
  DateTime.formatIso(DateTime.unsafeMake(Date.UTC(2026, 6, 15) + n * 1000)).slice(0, 19)

/** What the edge keeps beside its spool. */
export const edgeOn = <E>(spool: Layer.Layer<Spool | EdgeState, E>) =>
  EdgeStatus.layer.pipe(Layer.provideMerge(spool), Layer.provideMerge(Layer.merge(EdgeClock.layer, MeteredPeaks.layer)))

/** An edge whose spool is empty and in memory. */
export const edgeInMemory = edgeOn(Layer.merge(MemorySpool.layer, MemoryEdgeState.layer))

/** Log messages with their annotations, instead of on the screen. */
export const recordLogs = Effect.gen(function* () {
  const lines: Array<Record<string, unknown>> = []
  const logger = Logger.make(({ annotations, message }) => {
    lines.push({ message: String(message), ...Object.fromEntries(annotations) })
  })
  return { lines, layer: Logger.replace(Logger.defaultLogger, logger) }
})

export interface SentRequest {
  readonly url: string
  readonly headers: Record<string, string | undefined>
  readonly body: Uint8Array
}

const decodeBatch = Schema.decodeUnknownSync(Batch)
/** The batch in a request's gzipped body. */
export const batchOf = ({ body }: SentRequest): Batch => decodeBatch(JSON.parse(gunzipSync(body).toString()))

/** A server that answers each request as it is told to, and what it was sent. */
export const stubServer = (
  answer: (request: SentRequest, n: number) => Response | Effect.Effect<Response, unknown>,
) => {
  const requests: Array<SentRequest> = []
  const client = HttpClient.make((request, url) => {
    const body = request.body._tag === "Uint8Array" ? request.body.body : new Uint8Array()
    const sent = { url: url.toString(), headers: request.headers, body }
    requests.push(sent)
    const response = answer(sent, requests.length)
    return (Effect.isEffect(response) ? Effect.orDie(response) : Effect.succeed(response)).pipe(
      Effect.map((web) => HttpClientResponse.fromWeb(request, web)),
    )
  })
  return { requests, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

export const state = Effect.flatMap(EdgeStatus, Ref.get)

export const spoolSamples = (count: number) =>
  Effect.flatMap(Spool, (spool) =>
    Effect.forEach(Array.from({ length: count }), (_, n) => spool.append(sampleAt(n), null), { discard: true }),
  )

export const waiting = Effect.flatMap(Spool, ({ status }) => Effect.map(status, (spool) => spool.waiting))

/** A clock whose wall can be set while its monotonic time goes on. */
export const steppingClock = Effect.map(Effect.clock, (inner) => {
  const wall = { offsetMs: 0 }
  const clock: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => inner.unsafeCurrentTimeMillis() + wall.offsetMs,
    currentTimeMillis: Effect.map(inner.currentTimeMillis, (now) => now + wall.offsetMs),
    unsafeCurrentTimeNanos: () => inner.unsafeCurrentTimeNanos(),
    currentTimeNanos: inner.currentTimeNanos,
    sleep: (duration) => inner.sleep(duration),
  }
  return { wall, clock }
})
