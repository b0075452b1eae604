import { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { stringify } from "csv-stringify/sync"
import { Effect, Predicate, Schema } from "effect"

const contentType = "text/csv; charset=utf-8; header=present"

/** Whether a reader that says what it accepts names CSV. */
export const acceptsCsv = (accept: string | undefined): boolean =>
  accept?.split(",").some((range) => /^\s*text\/csv\s*(;|$)/i.test(range)) === true

const rowsOf = (encoded: unknown, list: string): ReadonlyArray<Record<string, unknown>> => {
  const rows = Predicate.isRecord(encoded) ? encoded[list] : undefined
  return Array.isArray(rows) ? rows.filter(Predicate.isRecord) : []
}

/** A reply as it is, or for a reader that accepts CSV the rows of one of its lists, named as in JSON. */
export const csvWhereAccepted = <A, I>(reply: A, schema: Schema.Schema<NoInfer<A>, I>, list: keyof I & string) =>
  Effect.gen(function* () {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    if (!acceptsCsv(headers["accept"])) return reply
    const rows = rowsOf(yield* Effect.orDie(Schema.encode(schema)(reply)), list)
    const text = stringify([...rows], { header: true, cast: { boolean: String } })
    return HttpServerResponse.text(text, { contentType })
  })
