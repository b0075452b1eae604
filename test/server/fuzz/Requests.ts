import { gzipSync } from "node:zlib"
import { HttpApi } from "@effect/platform"
import { Arbitrary, FastCheck as fc, Option, Schema } from "effect"
import { P1Api } from "../../../src/domain/api/index.ts"
import { hostileHeaders, type Tokens } from "./Credentials.ts"
import { nearly, nearlyText } from "./Hostile.ts"

export interface FuzzRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

type Texts = Readonly<Record<string, string>>
type AnySchema = Schema.Schema<unknown, unknown>
type Known = Option.Option<Schema.Schema.AnyNoContext>

/** Values of a schema as they are on the wire. */
const onWire = (schema: Schema.Schema.AnyNoContext): fc.Arbitrary<unknown> => {
  const known = schema as AnySchema
  const encode = Schema.encodeOption(known)
  return Arbitrary.make(known)
    .map((value) => Option.getOrUndefined(encode(value)))
    .filter((value) => value !== undefined)
}

const texts = (schema: Known): fc.Arbitrary<Texts> =>
  Option.match(schema, {
    onNone: () => fc.constant({}),
    onSome: (present) =>
      onWire(present).map((value) =>
        Object.fromEntries(
          Object.entries(value as Record<string, unknown>)
            .filter(([, text]) => text !== undefined)
            .map(([name, text]) => [name, String(text)]),
        ),
      ),
  })

/** Now and then one of them is not what it should be, is missing, or there is one more. */
const mayBeSpoilt = (valid: Texts): fc.Arbitrary<Texts> => {
  const names = Object.keys(valid)
  const spoilt =
    names.length === 0
      ? fc.constant({ unknown: "1" })
      : fc.constantFrom(...names).chain((name) =>
          fc.oneof(
            nearlyText(valid[name] ?? "").map((text) => ({ ...valid, [name]: text })),
            fc.constant(Object.fromEntries(Object.entries(valid).filter(([other]) => other !== name))),
          ),
        )
  return fc.oneof({ weight: 1, arbitrary: fc.constant(valid) }, { weight: 1, arbitrary: spoilt })
}

/** Devices that are there are asked for more often than chance would. */
const withDevice = (valid: Texts): fc.Arbitrary<Texts> =>
  "device_id" in valid
    ? fc.constantFrom("home", "home", "barn", valid["device_id"] ?? "").map((device_id) => ({ ...valid, device_id }))
    : fc.constant(valid)

const filled = (path: string, values: Texts): string =>
  path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name] ?? "") || "-")

const queried = (path: string, query: Texts): string => {
  const text = new URLSearchParams(query).toString()
  return text === "" ? path : `${path}?${text}`
}

/** Mostly gzip that is gzip; the rest says so and is not, or is what nobody unpacks. */
const packed = (json: string): fc.Arbitrary<Pick<FuzzRequest, "body"> & { readonly encoding: Texts }> =>
  fc.constantFrom(
    { body: json, encoding: {} },
    { body: json, encoding: {} },
    { body: new Uint8Array(gzipSync(json)), encoding: { "content-encoding": "gzip" } },
    { body: json, encoding: { "content-encoding": "gzip" } },
    { body: json, encoding: { "content-encoding": "br" } },
  )

const bodies = (schema: Known) =>
  Option.match(schema, {
    onNone: () => fc.constant({ body: undefined, encoding: {} as Texts }),
    onSome: (present) =>
      onWire(present)
        .chain((value) => fc.oneof(fc.constant(JSON.stringify(value)), nearly(value)))
        .chain(packed),
  })

const anyMethod = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

const endpoints: Array<{
  readonly method: string
  readonly path: string
  readonly pathSchema: Known
  readonly query: Known
  readonly payload: Known
}> = []
HttpApi.reflect(P1Api, {
  onGroup: () => undefined,
  onEndpoint: ({ endpoint }) => {
    endpoints.push({
      method: endpoint.method,
      path: endpoint.path,
      pathSchema: endpoint.pathSchema as unknown as Known,
      query: endpoint.urlParamsSchema as unknown as Known,
      payload: endpoint.payloadSchema as unknown as Known,
    })
  },
})

/** Requests of every endpoint of the contract, from its own schemas: valid, nearly valid, and now and then neither. */
export const requests = (tokens: Tokens): fc.Arbitrary<FuzzRequest> =>
  fc.oneof(
    ...endpoints.map(({ method, path, pathSchema, payload, query }) =>
      fc
        .record({
          values: texts(pathSchema).chain(mayBeSpoilt),
          query: texts(query).chain(withDevice).chain(mayBeSpoilt),
          sent: bodies(payload),
          headers: hostileHeaders(tokens, path),
          method: fc.oneof({ weight: 19, arbitrary: fc.constant(method) }, { weight: 1, arbitrary: anyMethod }),
        })
        .map(({ headers, method, query, sent, values }): FuzzRequest => ({
          method,
          path: queried(filled(path, values), query),
          headers: { ...headers, ...sent.encoding },
          body: method === "GET" || method === "HEAD" ? undefined : sent.body,
        })),
    ),
  )
