import { createHash } from "node:crypto"
import { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { DateTime, Effect, Schema } from "effect"
import { type Device, type DeviceId, localDateOf } from "../domain/index.ts"
import type { Answer, Store, StoreUnavailable } from "../domain/ports/index.ts"
import { Answers } from "./Answers.ts"
import { orUnavailable, storeWithin } from "./Problems.ts"
import { requestedDevice, zoneOf } from "./Readers.ts"

const patience = "1500 millis"
/** An answer that takes longer goes on being computed, for who asks again. */
const answeredWithin = "5 seconds"

const digest = (text: string): string => createHash("sha256").update(text).digest("base64url")

/** All that an answer depends on: the request as it was put, the device as it is, its revision, its day, and `beside`. */
const keyFor = (device: Device, revision: number, beside: string) =>
  Effect.gen(function* () {
    const { headers, url } = yield* HttpServerRequest.HttpServerRequest
    const today = localDateOf(yield* DateTime.now, yield* zoneOf(device))
    return digest(JSON.stringify([device, revision, beside, today, url, headers["accept"] ?? ""]))
  })

const answerOf = (contentType: string, body: string): Answer => ({
  contentType,
  etag: `"${digest(body).slice(0, 22)}"`,
  body,
})

const decoder = new TextDecoder()
const textOf = ({ body }: HttpServerResponse.HttpServerResponse): Effect.Effect<Answer> =>
  body._tag === "Uint8Array"
    ? Effect.succeed(answerOf(body.contentType, decoder.decode(body.body)))
    : Effect.dieMessage("Only a reply that is a text can be cached")

/** Whether the client has this already: If-None-Match, compared as RFC 9110 says, or as a proxy that compressed it. */
const has = (ifNoneMatch: string | undefined, etag: string): boolean =>
  (ifNoneMatch ?? "").split(",").some((each) => {
    const tag = each
      .trim()
      .replace(/^W\//, "")
      .replace(/-(gzip|zstd|br)"$/, '"')
    return tag === "*" || tag === etag
  })

/**
 * A reader's answer that is computed once for a device's revision and day: by `compute`, which gives the reply or, for
 * another format, its text as a response. With an ETag, and 304 for who has it. `beside`: what it depends on besides;
 * asked for after the revision, so that what has reached neither is in no answer of both.
 */
export const cachedRead = <A, I, E, R>(
  schema: Schema.Schema<A, I>,
  requested: DeviceId | undefined,
  compute: Effect.Effect<A | HttpServerResponse.HttpServerResponse, E, R>,
  beside: Effect.Effect<string, StoreUnavailable, Store> = Effect.succeed(""),
) =>
  Effect.gen(function* () {
    const device = yield* requestedDevice(requested)
    const { answer, revision } = yield* Answers
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const seen = yield* orUnavailable(revision(device.deviceId))
    const key = yield* keyFor(device, seen, yield* orUnavailable(storeWithin(patience)(Effect.disconnect(beside))))
    const rendered = Effect.flatMap(compute, (value) =>
      HttpServerResponse.isServerResponse(value)
        ? textOf(value)
        : Effect.map(Effect.orDie(Schema.encode(Schema.parseJson(schema))(value)), (body) =>
            answerOf("application/json", body),
          ),
    )
    const { body, contentType, etag } = yield* orUnavailable(storeWithin(answeredWithin)(answer(key, rendered)))
    const caching = { etag, "cache-control": "private, no-cache", vary: "authorization, accept" }
    return has(headers["if-none-match"], etag)
      ? HttpServerResponse.empty({ status: 304, headers: caching })
      : HttpServerResponse.text(body, { contentType, headers: caching })
  })
