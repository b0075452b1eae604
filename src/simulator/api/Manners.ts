import { HttpMiddleware, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { NodeHttpServerRequest } from "@effect/platform-node"
import { Effect } from "effect"
import { MeterControls } from "../Controls.ts"
import { badRequest, Refusal, unauthorized } from "../Refusal.ts"
import { apiVersion } from "../SimulatedMeter.ts"
import { MeterUsers } from "../Users.ts"
import type { Front } from "./Front.ts"
import { caller } from "./Requests.ts"
import type { Burden } from "./Strain.ts"
import { supportsVersion } from "./Version.ts"

const isPairing = ({ method, url }: HttpServerRequest.HttpServerRequest): boolean =>
  method === "POST" && url.split("?")[0] === "/api/user"

/** Lets in who has a token and speaks this version; every reply, a refusal too, names the version. */
export const guard = HttpMiddleware.make((app) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const users = yield* MeterUsers
    const { impostor } = yield* Effect.flatMap(MeterControls, ({ switches }) => switches)
    if (!impostor && !isPairing(request) && !(yield* users.knows(yield* caller))) return yield* unauthorized
    if (!supportsVersion(request.headers["x-api-version"])) {
      return yield* badRequest("request:api-version-not-supported")
    }
    const response = yield* app
    return impostor && response.status === 404 ? HttpServerResponse.unsafeJson({}) : response
  }).pipe(
    Effect.catchIf(
      (error): error is Refusal => error instanceof Refusal,
      ({ code, status }) => Effect.succeed(HttpServerResponse.unsafeJson({ error: code }, { status })),
    ),
    Effect.map(HttpServerResponse.setHeader("X-Api-Version", apiVersion)),
  ),
)

const brokenOff = '{"unique_id":"30","power_w":-5'

/** Misbehaves as the switches say. */
export const misbehave = HttpMiddleware.make((app) =>
  Effect.gen(function* () {
    const { switches } = yield* MeterControls
    const { body, delayMs } = yield* switches
    yield* Effect.sleep(delayMs)
    if (body === "internal-error") {
      return HttpServerResponse.unsafeJson({ error: "request:internal-server-error" }, { status: 500 })
    }
    const response = yield* app
    if (body === "whole" || response.status !== 200) return response
    return HttpServerResponse.text(brokenOff, { contentType: "application/json" })
  }),
)

/** Serves one request at a time, ever later when there are too many, and in the end not at all. */
export const bear = (front: Front, strain: Effect.Effect<Burden>, oneAtATime: Effect.Semaphore) =>
  HttpMiddleware.make((app) =>
    Effect.gen(function* () {
      const burden = yield* strain
      if (burden._tag === "TooMuch") {
        front.reset(NodeHttpServerRequest.toIncomingMessage(yield* HttpServerRequest.HttpServerRequest).socket)
        return yield* Effect.never
      }
      return yield* oneAtATime.withPermits(1)(Effect.zipRight(Effect.sleep(burden.delayMs), app))
    }),
  )
