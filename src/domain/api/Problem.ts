import { HttpApiSchema } from "@effect/platform"
import { type Cause, Data, Schema } from "effect"

/** A field that was refused: where it is, and what is wrong with it. */
export const FieldError = Schema.Struct({ path: Schema.String, message: Schema.String }).annotations({
  identifier: "FieldError",
})
export type FieldError = typeof FieldError.Type

export interface ProblemFields {
  readonly detail: string
  readonly errors?: ReadonlyArray<FieldError>
  readonly retryAfterS?: number
}

/** What every failure of the API has in common. */
export interface Problem extends ProblemFields {
  readonly status: number
  readonly title: string
}

/** A class of problems; spelled out, so that its types can be published. */
interface ProblemClass<Tag extends string> {
  new (fields: ProblemFields): Cause.YieldableError & Problem & { readonly _tag: Tag }
  readonly status: number
  readonly title: string
}

const problem = <const Tag extends string>(tag: Tag, status: number, title: string): ProblemClass<Tag> =>
  class extends Data.TaggedError(tag)<ProblemFields> implements Problem {
    static readonly status = status
    static readonly title = title
    readonly status = status
    readonly title = title
    override get message(): string {
      return `${title}: ${this.detail}`
    }
  }

export class BadRequest extends problem("BadRequest", 400, "Bad request") {}
export class Unauthorized extends problem("Unauthorized", 401, "Unauthorized") {}
export class Forbidden extends problem("Forbidden", 403, "Forbidden") {}
export class NotFound extends problem("NotFound", 404, "Not found") {}
export class MethodNotAllowed extends problem("MethodNotAllowed", 405, "Method not allowed") {}
export class PayloadTooLarge extends problem("PayloadTooLarge", 413, "Payload too large") {}
export class UnsupportedMediaType extends problem("UnsupportedMediaType", 415, "Unsupported media type") {}
export class Unprocessable extends problem("Unprocessable", 422, "Unprocessable content") {}
export class TooManyRequests extends problem("TooManyRequests", 429, "Too many requests") {}
export class InternalError extends problem("InternalError", 500, "Internal server error") {}
export class Unavailable extends problem("Unavailable", 503, "Service unavailable") {}

/** The document of a problem. Source: RFC 9457, with `errors` and `retry_after_s` as extension members. */
export const ProblemDocument = Schema.Struct({
  type: Schema.String,
  title: Schema.String,
  status: Schema.Number,
  detail: Schema.String,
  errors: Schema.optional(Schema.Array(FieldError)),
  retry_after_s: Schema.optional(Schema.Number),
}).annotations({ identifier: "Problem" })

export const problemDocument = ({
  detail,
  errors,
  retryAfterS,
  status,
  title,
}: Problem): typeof ProblemDocument.Type => ({
  type: "about:blank",
  title,
  status,
  detail,
  ...(errors !== undefined && { errors }),
  ...(retryAfterS !== undefined && { retry_after_s: retryAfterS }),
})

interface Kind<P extends Problem> {
  new (fields: ProblemFields): P
  readonly status: number
  readonly title: string
}

const makeWire = <P extends Problem>(kind: Kind<P>) =>
  Schema.transform(ProblemDocument, Schema.instanceOf(kind), {
    strict: true,
    decode: ({ detail, errors, retry_after_s }) =>
      new kind({
        detail,
        ...(errors !== undefined && { errors }),
        ...(retry_after_s !== undefined && { retryAfterS: retry_after_s }),
      }),
    encode: problemDocument,
  }).pipe(
    Schema.annotations({ description: kind.title, ...HttpApiSchema.annotations({ status: kind.status }) }),
    HttpApiSchema.withEncoding({ kind: "Json", contentType: "application/problem+json" }),
  )

/** How each kind of problem goes over the wire: `application/problem+json` with its status. */
export const Problems = {
  badRequest: makeWire(BadRequest),
  unauthorized: makeWire(Unauthorized),
  forbidden: makeWire(Forbidden),
  notFound: makeWire(NotFound),
  methodNotAllowed: makeWire(MethodNotAllowed),
  payloadTooLarge: makeWire(PayloadTooLarge),
  unsupportedMediaType: makeWire(UnsupportedMediaType),
  unprocessable: makeWire(Unprocessable),
  tooManyRequests: makeWire(TooManyRequests),
  internalError: makeWire(InternalError),
  unavailable: makeWire(Unavailable),
} as const
