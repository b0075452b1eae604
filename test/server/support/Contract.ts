import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import formats from "ajv-formats"
import { openApiDocument } from "../../../src/server/OpenApiDocument.ts"

type Content = Record<string, { readonly schema?: object; readonly example?: unknown }>
interface Response {
  readonly content?: Content
  readonly headers?: Record<string, unknown>
}
interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly description?: string
  readonly schema: Record<string, unknown>
}
export interface Operation {
  readonly operationId: string
  readonly summary?: string
  readonly description?: string
  readonly security: ReadonlyArray<Record<string, unknown>>
  readonly parameters: ReadonlyArray<Parameter>
  readonly requestBody?: { readonly content: Content }
  readonly responses: Record<string, Response>
}

const document = openApiDocument as unknown as {
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: object
}

const ajv = new Ajv2020({ strict: false, allErrors: true })
formats.default(ajv)
ajv.addSchema({ $id: "contract", components: document.components })

const compiled = new Map<object, ValidateFunction>()
export const validator = (schema: object): ValidateFunction => {
  const known = compiled.get(schema)
  if (known !== undefined) return known
  const absolute: object = JSON.parse(
    JSON.stringify(schema, (key, value: unknown) => (key === "$ref" ? `contract${String(value)}` : value)),
  )
  const made = ajv.compile(absolute)
  compiled.set(schema, made)
  return made
}

/** The operations of the contract: each with the pattern of its path. */
export const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    path,
    pattern: new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`),
    method: method.toUpperCase(),
    ...operation,
  })),
)

const exampleOf = ({ name, schema }: Parameter): string => {
  const { default: fallback, enum: values, examples } = schema
  const [first] = Array.isArray(examples) ? examples : Array.isArray(values) ? values : [fallback]
  if (first === undefined) throw new Error(`The contract shows no example of ${name}.`)
  return String(first)
}

/** The address of an operation, its parameters as the contract shows them, or as given. */
export const urlOf = (
  { parameters, path }: Operation & { readonly path: string },
  given: Readonly<Record<string, string>> = {},
): string => {
  const valueOf = (parameter: Parameter): string => encodeURIComponent(given[parameter.name] ?? exampleOf(parameter))
  const inPath = parameters.filter((parameter) => parameter.in === "path")
  const query = parameters
    .filter((parameter) => parameter.in === "query" && (parameter.required || parameter.name in given))
    .map((parameter) => `${parameter.name}=${valueOf(parameter)}`)
  const filled = inPath.reduce((url, parameter) => url.replace(`{${parameter.name}}`, valueOf(parameter)), path)
  return query.length === 0 ? filled : `${filled}?${query.join("&")}`
}

export interface Answer {
  readonly status: number
  readonly contentType: string | null
  readonly text: string
}

const problemContent: Content = { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } }

const isDocumentation = (path: string): boolean => /^\/(openapi\.json|docs)$/.test(path)

/** What the contract says of a status of a request: its content by type, or nothing when it may not occur. */
const documented = (method: string, path: string, status: number): Response | undefined => {
  const here = operations.filter(({ pattern }) => pattern.test(path))
  const operation = here.find((known) => known.method === (method === "HEAD" ? "GET" : method))
  if (operation !== undefined) return operation.responses[String(status)]
  return status === (here.length === 0 && !isDocumentation(path) ? 404 : 405) ? { content: problemContent } : undefined
}

/** What is wrong with a reply by the contract, in a sentence; nothing when it is as documented. */
export const breachOf = (method: string, url: string, { contentType, status, text }: Answer): string | undefined => {
  const path = url.split("?", 1)[0] ?? ""
  if (method === "OPTIONS" && status === 204) return undefined
  if (isDocumentation(path) && status === 200) return undefined
  const where = `${method} ${path} → ${status}`
  const response = documented(method, path, status)
  if (response === undefined) return `${where} is not documented: ${text.slice(0, 200)}`
  const types = Object.keys(response.content ?? {})
  if (types.length === 0) return text === "" ? undefined : `${where} has no body by the contract`
  const type = contentType?.split(";", 1)[0] ?? ""
  const schema = response.content?.[type]?.schema
  if (!types.includes(type)) return `${where} has type ${type}, the contract says ${types.join(", ")}`
  if (method === "HEAD" || schema === undefined || !/[/+]json$/.test(type)) return undefined
  const validate = validator(schema)
  return validate(JSON.parse(text)) ? undefined : `${where}: ${ajv.errorsText(validate.errors)}\n${text.slice(0, 500)}`
}

/** Dies when a reply is not as documented. */
export const expectContract = (method: string, url: string, answer: Answer): void => {
  const breach = breachOf(method, url, answer)
  if (breach !== undefined) throw new Error(`Not as the contract says: ${breach}`)
}
