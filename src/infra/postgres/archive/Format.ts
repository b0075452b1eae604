import { Either, ParseResult, Schema } from "effect"

/**
 * A backup is text: a line of JSON that says what it is; for each table a line of JSON with its name and columns, its
 * rows as PostgreSQL's COPY writes them, and a line `\.`; at the end a line of JSON with the rows of each table.
 */
export const Manifest = Schema.Struct({
  p1_backup: Schema.Literal(1),
  id: Schema.String,
  created_at: Schema.String,
  /** The migrations that its tables were made by. */
  migrations: Schema.Array(Schema.Number),
})

export const Section = Schema.Struct({ table: Schema.String, columns: Schema.Array(Schema.String) })
export type Section = typeof Section.Type

export const End = Schema.Struct({ rows: Schema.Record({ key: Schema.String, value: Schema.Number }) })

/** The end of a table's rows. COPY writes a backslash in the data as two: no row looks like it. */
export const endOfRows = Buffer.from("\\.\n")

export const lineOf = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`)

/** A line of JSON as its schema has it. */
export const parseLine = <A, I>(schema: Schema.Schema<A, I>, line: Buffer): Either.Either<A, string> =>
  Either.mapLeft(Schema.decodeEither(Schema.parseJson(schema))(line.toString("utf8")), (error) =>
    ParseResult.TreeFormatter.formatErrorSync(error),
  )

const newline = 10

export const countRows = (bytes: Uint8Array): number => {
  let count = 0
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count += 1
  return count
}

/** The bytes without their first `rows` rows. */
export const withoutRows = (bytes: Buffer, rows: number): Buffer => {
  let at = 0
  for (let left = rows; left > 0; left -= 1) at = bytes.indexOf(newline, at) + 1
  return bytes.subarray(at)
}
