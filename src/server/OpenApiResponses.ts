import { Array as Arr, Predicate, Record } from "effect"

const problemType = "application/problem+json"

/** Failures of HTTP itself: the server answers them before any route is known. */
const everywhere = { "431": "The request's head has more than 16 KB" }
const whereBodiesGo = { "408": "The request did not arrive in time" }

const details: Record<string, string> = {
  "400": "The request has a parameter that is missing or malformed.",
  "401": "A valid token is needed: Authorization: Bearer …",
  "403": "This token does not see that device.",
  "404": "This device has not sent a sample yet.",
  "408": "The request did not arrive in time.",
  "413": "The body has more than 1 MB on the wire: send fewer samples.",
  "415": "Content-Type must be application/json.",
  "422": "The body must be an object with samples.",
  "429": "Too many requests; ask again later.",
  "431": "The request's head is too large.",
  "500": "The server made a mistake; it is in its log.",
  "503": "The store cannot be reached; ask again later.",
}

const headers: Record<string, unknown> = {
  "401": { "WWW-Authenticate": { description: "Bearer", schema: { type: "string" } } },
  ...Record.fromEntries(
    ["429", "503"].map((status) => [
      status,
      { "Retry-After": { description: "Seconds after which to ask again", schema: { type: "integer" } } },
    ]),
  ),
}

const problem = (status: string, title: string) => ({
  description: title,
  content: {
    [problemType]: {
      schema: { $ref: "#/components/schemas/Problem" },
      example: { type: "about:blank", title, status: Number(status), detail: details[status] ?? `${title}.` },
    },
  },
  ...(headers[status] !== undefined && { headers: headers[status] }),
})

/** The failures that a path cannot have. */
const impossible: Record<string, ReadonlyArray<string>> = {
  "/health/live": ["400", "503"],
  "/health/ready": ["400"],
  "/v1/devices": ["400"],
}

const isFailure = (status: string): boolean => Number(status) >= 400

/** The library declares its own error for 400 first, which hides ours. */
const titleOf = (status: string, response: unknown): string =>
  status !== "400" && Predicate.isRecord(response) ? String(response["description"]) : "Bad request"

/** What is computed once for a device's revision: a client that sends the ETag it has is told when it has the answer. */
const cached = /^\/v1\/(capacity|series|quarters)/
const etag = { ETag: { description: "Of this answer, for If-None-Match", schema: { type: "string" } } }
const withEtag = (path: string, response: unknown): unknown =>
  cached.test(path) && Predicate.isRecord(response) ? { ...response, headers: etag } : response
const notModified = { "304": { description: "If-None-Match names this answer", headers: etag } }

/** Every reply of an operation: failures as problem documents, those included that occur before it. */
export const responsesOf = (path: string, declared: Record<string, unknown>, takesBody: boolean) => {
  const own = Object.entries(declared)
    .filter(([status]) => !Arr.contains(impossible[path] ?? [], status))
    .map(([status, response]): [string, unknown] => [
      status,
      isFailure(status) ? problem(status, titleOf(status, response)) : withEtag(path, response),
    ])
  const before = Object.entries({ ...everywhere, ...(takesBody && whereBodiesGo) })
  return Record.fromEntries([
    ...own,
    ...Object.entries(cached.test(path) ? notModified : {}),
    ...before.map(([status, title]): [string, unknown] => [status, problem(status, title)]),
  ])
}
