import { Option, type ParseResult, SchemaAST } from "effect"
import type { FieldError } from "../domain/api/index.ts"

const boundsOf = (ast: SchemaAST.AST): string => {
  const schema: object = Option.getOrElse(SchemaAST.getJSONSchemaAnnotation(ast), () => ({}))
  const limits = Object.entries(schema).filter(([, limit]) => typeof limit === "number")
  return limits.length === 0 ? "" : ` (${limits.map(([name, limit]) => `${name} ${String(limit)}`).join(", ")})`
}

const expected = (ast: SchemaAST.AST): string => {
  const described = Option.orElse(SchemaAST.getDescriptionAnnotation(ast), () => SchemaAST.getTitleAnnotation(ast))
  return `expected ${Option.getOrElse(described, () => String(ast))}${boundsOf(ast)}`
}

/** Whether an issue only says that a field which may be absent is there. */
const saysAbsent = (issue: ParseResult.ParseIssue): boolean =>
  issue._tag === "Type" &&
  (SchemaAST.isUndefinedKeyword(issue.ast) || (SchemaAST.isLiteral(issue.ast) && issue.ast.literal === null))

const several = (
  issues: ParseResult.SingleOrNonEmpty<ParseResult.ParseIssue>,
): ReadonlyArray<ParseResult.ParseIssue> => (Array.isArray(issues) ? issues : [issues as ParseResult.ParseIssue])

type Path = ReadonlyArray<PropertyKey>

const walk = (issue: ParseResult.ParseIssue, path: Path): ReadonlyArray<FieldError> => {
  const say = (message: string): ReadonlyArray<FieldError> => [{ path: path.map(String).join("."), message }]
  switch (issue._tag) {
    case "Pointer":
      return walk(issue.issue, path.concat(issue.path))
    case "Composite": {
      const issues = several(issue.issues)
      const telling = issues.filter((inner) => !saysAbsent(inner))
      return (telling.length === 0 ? issues : telling).flatMap((inner) => walk(inner, path))
    }
    case "Refinement":
      return issue.kind === "Predicate" ? say(expected(issue.ast)) : walk(issue.issue, path)
    case "Transformation":
      return walk(issue.issue, path)
    case "Missing":
      return say("is missing")
    case "Unexpected":
      return say("is not known")
    case "Forbidden":
      return say("cannot be read")
    case "Type":
      return say(issue.message ?? expected(issue.ast))
  }
}

/** What a schema refused, field by field; without the values, which may be large. */
export const fieldErrors = ({ issue }: ParseResult.ParseError): ReadonlyArray<FieldError> => walk(issue, [])
