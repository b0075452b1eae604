import { parse } from "csv-parse/sync"
import { Data, Effect } from "effect"

/** A file that cannot be read as what it was said to be, in a sentence that says what to do. */
export class UnreadableFile extends Data.TaggedError("UnreadableFile")<{ readonly message: string }> {}

/** A line of a file, by the names of its header in small letters. */
export type Line = Readonly<Record<string, string | undefined>>

const separatorOf = (text: string): string => {
  const header = text.slice(0, text.indexOf("\n") + 1 || undefined)
  return header.split(";").length > header.split(",").length ? ";" : ","
}

/** The lines below the header. A byte-order mark is dropped, `="…"` is read as what it wraps. */
export const linesOf = (text: string): Effect.Effect<ReadonlyArray<Line>, UnreadableFile> =>
  Effect.try({
    try: () =>
      parse(text, {
        bom: true,
        columns: (names: Array<string>) => names.map((name) => name.trim().toLowerCase()),
        delimiter: separatorOf(text),
        relax_column_count: true,
        relax_quotes: true,
        skip_empty_lines: true,
        trim: true,
      }) as ReadonlyArray<Line>,
    catch: (cause) =>
      new UnreadableFile({
        message: `The file is not CSV (${cause instanceof Error ? cause.message : String(cause)}): give it as it was downloaded.`,
      }),
  })

/** The first of several names under which files in other languages have a column. */
export const columnOf = (line: Line, names: ReadonlyArray<string>): string | undefined => {
  const name = names.find((candidate) => line[candidate] !== undefined)
  return name === undefined ? undefined : line[name]
}

/** `0,173` and `0.173`; undefined where there is no number. */
export const numberOf = (text: string | undefined): number | undefined => {
  if (text === undefined || !/^-?\d+([.,]\d+)?$/.test(text.trim())) return undefined
  return Number(text.trim().replace(",", "."))
}
