import type { SqlError } from "@effect/sql"
import { Effect, type ParseResult } from "effect"
import { SpoolError } from "../../domain/ports/index.ts"

const reasonOf = (error: SqlError.SqlError | ParseResult.ParseError): string =>
  error._tag === "SqlError" && error.cause instanceof Error ? error.cause.message : error.message

const failing = (what: string) =>
  Effect.mapError(
    (error: SqlError.SqlError | ParseResult.ParseError) =>
      new SpoolError({ message: `${what}: ${reasonOf(error)}`, cause: error }),
  )

export const unwritten = failing("The spool could not be written")
export const unread = failing("The spool could not be read")
