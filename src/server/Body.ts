import { HttpServerRequest } from "@effect/platform"
import { Effect } from "effect"
import { BadRequest, PayloadTooLarge, UnsupportedMediaType } from "../domain/api/index.ts"
import { maxDecodedBytes, maxWireBytes } from "../domain/index.ts"
import { type BodyBroken, BodyTooLarge, gunzip, readBody } from "../infra/http-server/index.ts"

const readable = Effect.gen(function* () {
  const { headers } = yield* HttpServerRequest.HttpServerRequest
  const type = (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase()
  if (type !== "application/json") {
    return yield* new UnsupportedMediaType({ detail: "Content-Type must be application/json." })
  }
  const encoding = (headers["content-encoding"] ?? "identity").trim().toLowerCase()
  if (encoding !== "gzip" && encoding !== "identity") {
    return yield* new UnsupportedMediaType({ detail: "Content-Encoding must be gzip or absent." })
  }
  return encoding
})

const tooLarge = ({ maxBytes }: BodyTooLarge, what: string) =>
  new PayloadTooLarge({ detail: `The body has more than ${maxBytes / 1_000_000} MB ${what}: send fewer samples.` })

const problemOf = (error: BodyTooLarge | BodyBroken, what: string, broken: string) =>
  error instanceof BodyTooLarge ? tooLarge(error, what) : new BadRequest({ detail: broken })

const parse = (bytes: Buffer) =>
  Effect.try({
    try: (): unknown => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)),
    catch: () => new BadRequest({ detail: "The body is not JSON in UTF-8." }),
  })

/** Each takes up to the whole decoded limit: as many at once as the machine has cores to spare. */
const unpacking = Effect.unsafeMakeSemaphore(2)

/** The JSON of the request's body, gzipped or not, within the limits of the contract. */
export const jsonBody = Effect.gen(function* () {
  const encoding = yield* readable
  const wire = yield* Effect.mapError(readBody(maxWireBytes), (error) =>
    problemOf(error, "on the wire", "The body broke off."),
  )
  if (encoding === "identity") return yield* parse(wire)
  const unpacked = Effect.mapError(gunzip(wire, maxDecodedBytes), (error) =>
    problemOf(error, "when unpacked", "The body is not gzip, though Content-Encoding says so."),
  )
  return yield* unpacking.withPermits(1)(Effect.flatMap(unpacked, parse))
})
