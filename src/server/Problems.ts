import {
  type HttpApp,
  HttpApiBuilder,
  HttpApiError,
  HttpServerError,
  HttpServerRequest,
  HttpServerResponse,
} from "@effect/platform"
import { Array as Arr, Cause, type Duration, Effect, type Layer, Predicate } from "effect"
import {
  BadRequest,
  InternalError,
  MethodNotAllowed,
  NotFound,
  type Problem,
  problemDocument,
  Unavailable,
} from "../domain/api/index.ts"
import { StoreUnavailable } from "../domain/ports/index.ts"
import { withHeaders } from "./Headers.ts"
import { pathOf } from "./Requests.ts"
import { routes } from "./Routes.ts"

/** Seconds after which a client that found the store away may ask again. */
const retryAfterS = 5

/** The store's failures as a reader sees them. */
export const orUnavailable = <A, E, R>(
  self: Effect.Effect<A, E | StoreUnavailable, R>,
): Effect.Effect<A, Exclude<E, StoreUnavailable> | Unavailable, R> =>
  Effect.catchIf(
    self,
    (error): error is Extract<E, StoreUnavailable> | StoreUnavailable => Predicate.isTagged(error, "StoreUnavailable"),
    (error) =>
      Effect.logWarning("The store cannot be reached").pipe(
        Effect.annotateLogs({ reason: error.message }),
        Effect.zipRight(new Unavailable({ detail: "The store cannot be reached; ask again later.", retryAfterS })),
      ),
  )

/** A store that hangs is left behind, not waited for. */
export const storeWithin =
  (duration: Duration.DurationInput) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | StoreUnavailable, R> =>
    Effect.timeoutFail(self, {
      duration,
      onTimeout: () => new StoreUnavailable({ message: "the store does not answer in time" }),
    })

/** The methods a path knows; none when there is no such path. */
const methodsOf = (path: string): ReadonlyArray<string> =>
  routes
    .filter(({ pattern }) => pattern.test(path))
    .flatMap(({ methods }) => (methods.includes("GET") ? [...methods, "HEAD"] : methods))

interface Refusal {
  readonly problem: Problem
  readonly headers: Record<string, string>
}

const notRouted = (url: string, method: string): Refusal => {
  const methods = methodsOf(pathOf(url))
  return methods.length === 0
    ? { problem: new NotFound({ detail: "There is nothing here; /docs lists what there is." }), headers: {} }
    : {
        problem: new MethodNotAllowed({ detail: `${method} is not for this path; it takes ${methods.join(", ")}.` }),
        headers: { allow: methods.join(", ") },
      }
}

const undecodable = ({ issues }: HttpApiError.HttpApiDecodeError): Problem =>
  new BadRequest({
    detail: "The request has a parameter that is missing or malformed.",
    errors: Arr.dedupeWith(
      issues.map(({ message, path }) => ({ path: path.map(String).join("."), message })),
      (a, b) => a.path === b.path,
    ),
  })

const isProblem = (error: unknown): error is Problem =>
  error instanceof Error && "status" in error && "title" in error && "detail" in error

const headersOf = ({ retryAfterS, status }: Problem): Record<string, string> => ({
  ...(retryAfterS !== undefined && { "retry-after": String(Math.ceil(retryAfterS)) }),
  ...(status === 401 && { "www-authenticate": "Bearer" }),
})

const internal = new InternalError({ detail: "The server made a mistake; it is in its log." })

const refusalOf = (cause: Cause.Cause<unknown>) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const error = Cause.squash(cause)
    if (error instanceof HttpServerError.RouteNotFound) return notRouted(request.url, request.method)
    if (error instanceof HttpApiError.HttpApiDecodeError) return { problem: undecodable(error), headers: {} }
    if (isProblem(error)) return { problem: error, headers: headersOf(error) }
    yield* Effect.logError("A request failed by a defect", cause).pipe(
      Effect.annotateLogs({ method: request.method, path: pathOf(request.url) }),
    )
    return { problem: internal, headers: {} }
  })

const render = ({ headers, problem }: Refusal): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(JSON.stringify(problemDocument(problem)), {
    status: problem.status,
    headers,
    contentType: "application/problem+json",
  })

const answer = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
    app.pipe(
      Effect.catchAllCause((cause) =>
        Cause.isInterruptedOnly(cause) ? Effect.failCause(cause) : Effect.map(refusalOf(cause), render),
      ),
      Effect.map(withHeaders(pathOf(url))),
    ),
  )

/** The one place where failures become replies: problem documents, whatever failed, with nothing of the inside. */
export const layer: Layer.Layer<never> = HttpApiBuilder.middleware(answer<never, never>)
