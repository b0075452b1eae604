import { HttpServerRequest } from "@effect/platform"
import { Effect, Option } from "effect"
import { badRequest, Refusal } from "../Refusal.ts"

/** A small device reads small documents only. */
export const maxBodyBytes = 4 * 1024
const tooLarge = new Refusal({ status: 413, code: "request:too-large" })

/** The token of the request. */
export const caller = Effect.map(
  HttpServerRequest.HttpServerRequest,
  ({ headers }) => /^Bearer (.+)$/.exec(headers["authorization"] ?? "")?.[1] ?? "",
)

/** The JSON object in the request's body; none where there is no body. */
export const body = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  if (Number(request.headers["content-length"] ?? "0") > maxBodyBytes) return yield* tooLarge
  const text = yield* Effect.mapError(request.text, () => tooLarge)
  if (text === "") return Option.none<Record<string, unknown>>()
  const json = yield* Effect.try({ try: () => JSON.parse(text) as unknown, catch: invalidJson })
  if (typeof json !== "object" || json === null || Array.isArray(json)) return yield* invalidJson()
  return Option.some(json as Record<string, unknown>)
})

const invalidJson = (): Refusal => badRequest("request:invalid-json")
