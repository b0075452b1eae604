import type { IncomingMessage, ServerResponse } from "node:http"
import {
  type Clock,
  Context,
  DefaultServices,
  Effect,
  FiberRef,
  FiberSet,
  Layer,
  LogLevel,
  Option,
  Tracer,
} from "effect"
import type { DeviceId } from "../domain/index.ts"
import { NodeServer } from "../infra/http-server/index.ts"
import { Guard } from "./Guard.ts"
import { everyReply } from "./Headers.ts"
import { requestTimeOf } from "./Metrics.ts"
import { RealtimeDocuments, realtimeHits, replyAt } from "./RealtimeDocuments.ts"
import { Remembered } from "./Remembered.ts"
import { RequestIds } from "./Requests.ts"

const path = "/v1/realtime"
const shape = /^\/v1\/realtime(?:\?device_id=([a-z0-9-]{1,64}))?$/
const head = [...Object.entries(everyReply).flat(), "content-type", "application/json"]
const took = requestTimeOf(path, "GET", 200)

interface Waiting {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly tokenId: string
  readonly beganMs: number
}

const isPlain = ({ headers, method }: IncomingMessage): boolean =>
  method === "GET" &&
  headers.origin === undefined &&
  headers["content-length"] === undefined &&
  headers["transfer-encoding"] === undefined

/** Traces, where somebody wants them, are of all requests. */
const isTraced = Effect.map(
  Effect.tracer,
  (tracer) => tracer !== Context.get(DefaultServices.liveServices, Tracer.Tracer),
)

const make = Effect.gen(function* () {
  const clock: Clock.Clock = yield* Effect.clock
  const { before, pass } = yield* NodeServer
  const { cached } = yield* RealtimeDocuments
  const guard = yield* Guard
  const remembered = yield* Remembered
  const { idFor } = yield* RequestIds
  const logs = LogLevel.lessThanEqual(yield* FiberRef.get(FiberRef.currentMinimumLogLevel), LogLevel.Debug)
  const run = yield* FiberSet.makeRuntime<never>()
  let waiting = new Map<DeviceId, Array<Waiting>>()

  const reply = ({ beganMs, request, response }: Waiting, text: string, nowMs: number) => {
    const requestId = idFor(request.headers["x-request-id"]?.toString())
    const own = ["content-length", String(Buffer.byteLength(text)), "x-request-id", requestId]
    response.writeHead(200, head.concat(own)).end(text)
    took.unsafeUpdate((nowMs - beganMs) / 1000, [])
    realtimeHits.unsafeUpdate(1, [])
    if (!logs) return Effect.void
    const values = { requestId, method: "GET", path, status: 200, ms: nowMs - beganMs }
    return Effect.annotateLogs(Effect.logDebug("Request"), values)
  }

  /** Those that came together share one question to the cache, asked after all of them had come. */
  const answer = (deviceId: DeviceId, all: ReadonlyArray<Waiting>) =>
    Effect.suspend(() => {
      const left = new Set(all)
      return Effect.gen(function* () {
        const document = yield* cached(deviceId)
        for (const one of all) {
          if (Option.isNone(document) || (yield* Effect.isFailure(guard.accept(one.tokenId)))) continue
          left.delete(one)
          const nowMs = clock.unsafeCurrentTimeMillis()
          yield* reply(one, replyAt(document.value, nowMs), nowMs)
        }
      }).pipe(Effect.ensuring(Effect.sync(() => left.forEach(({ request, response }) => pass(request, response)))))
    })

  const flush = () => {
    const came = waiting
    waiting = new Map()
    came.forEach((all, deviceId) => run(answer(deviceId, all)))
  }

  const deviceOf = (url: string, deviceIds: ReadonlyArray<DeviceId>): DeviceId | undefined => {
    const requested = shape.exec(url)?.[1]
    if (requested === undefined) return deviceIds.length === 1 ? deviceIds[0] : undefined
    return deviceIds.find((deviceId) => deviceId === requested)
  }

  return yield* before((request, response) => {
    const { headers, url = "" } = request
    if (!shape.test(url) || !isPlain(request)) return false
    const beganMs = clock.unsafeCurrentTimeMillis()
    const reader = remembered.find(headers.authorization ?? "", beganMs)
    const deviceId = reader && deviceOf(url, reader.deviceIds)
    if (deviceId === undefined) return false
    if (waiting.size === 0) setImmediate(flush)
    const one = { request, response, tokenId: reader?.tokenId ?? "", beganMs }
    const others = waiting.get(deviceId)
    if (others === undefined) waiting.set(deviceId, [one])
    else others.push(one)
    return true
  })
})

/**
 * `GET /v1/realtime` for who asks it all the time: a reader whose header was found good a moment ago, and a document
 * that the cache has, answered ahead of the router and its codecs. Whatever else it is goes the way of all requests,
 * where every refusal and failure is made; what it answers is the same to the last header.
 */
export const layer = Layer.scopedDiscard(Effect.unlessEffect(make, isTraced))
