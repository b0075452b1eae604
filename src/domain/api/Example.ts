import { Predicate } from "effect"

interface Examples {
  readonly request?: unknown
  /** The body of a reply with status 200. */
  readonly reply: unknown
  /** Whether the reply may be CSV as well. */
  readonly csv?: boolean
}

const withExample = (holder: unknown, example: unknown): unknown => {
  const content = Predicate.isRecord(holder) ? holder["content"] : undefined
  const json = Predicate.isRecord(content) ? content["application/json"] : undefined
  if (!Predicate.isRecord(holder) || !Predicate.isRecord(content) || !Predicate.isRecord(json)) return holder
  return { ...holder, content: { ...content, "application/json": { ...json, example } } }
}

const withCsv = (holder: unknown): unknown =>
  Predicate.isRecord(holder) && Predicate.isRecord(holder["content"])
    ? { ...holder, content: { ...holder["content"], "text/csv": { schema: { type: "string" } } } }
    : holder

/** An annotation for `OpenApi.Transform`: a request and a reply of the endpoint, as they are on the wire. */
export const examples =
  ({ csv = false, reply, request }: Examples) =>
  (operation: Record<string, unknown>): Record<string, unknown> => {
    const responses = Predicate.isRecord(operation["responses"]) ? operation["responses"] : {}
    return {
      ...operation,
      ...(request !== undefined && { requestBody: withExample(operation["requestBody"], request) }),
      responses: {
        ...responses,
        "200": csv ? withCsv(withExample(responses["200"], reply)) : withExample(responses["200"], reply),
      },
    }
  }
