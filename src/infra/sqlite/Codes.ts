import type { SqlError } from "@effect/sql"
import { Data, ParseResult } from "effect"
import { StartupError } from "../process/index.ts"
import { holderOf } from "./Holder.ts"

/** The file is no spool, or not what was written. */
export class SpoolDamaged extends Data.TaggedError("SpoolDamaged")<{ readonly reason: string }> {}

/** SQLite's name for what went wrong, such as `SQLITE_FULL`, or that of the operating system. */
export const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : String(cause)

const isSqlError = (error: unknown): error is SqlError.SqlError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "SqlError"

const unreadableRow = "SQLITE_CORRUPT_ROW"

/** The code behind an error; a row that is not what was written is damage as well. */
export const codeOfError = (error: unknown): string => {
  if (ParseResult.isParseError(error)) return unreadableRow
  return isSqlError(error) ? codeOf(error.cause) : ""
}

const startsWith = (prefixes: ReadonlyArray<string>) => (code: string) =>
  prefixes.some((prefix) => code.startsWith(prefix))

/** What is in the file is not what was written. */
export const isDamage = startsWith(["SQLITE_CORRUPT", "SQLITE_NOTADB"])

/** After a failed write or sync nobody knows what is on the disk, and the same handle would say that all is well. */
export const isDiskFailure = startsWith(["SQLITE_IOERR"])

const isHeld = startsWith(["SQLITE_BUSY", "SQLITE_LOCKED"])

export const cannotOpen = (filename: string, cause: unknown): StartupError => {
  const code = codeOf(cause)
  const holder = isHeld(code) ? holderOf(filename) : undefined
  return isHeld(code)
    ? new StartupError({
        message: `The spool ${filename} is in use by another process${holder === undefined ? "" : ` (${holder})`}: stop that one, or set DATA_DIR to another folder.`,
      })
    : new StartupError({
        message: `The spool ${filename} cannot be opened (${code}): see that its folder exists, may be written by this user and has space.`,
      })
}
