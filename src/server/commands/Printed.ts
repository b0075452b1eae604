import { Console, type Effect, Option } from "effect"

/** Prints what a command found: one line of JSON for scripts, or sentences for people. */
export const print = (asJson: boolean, json: unknown, sentences: string): Effect.Effect<void> =>
  Console.log(asJson ? JSON.stringify(json) : sentences)

/** Columns as wide as their widest cell. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const width = (column: number): number => Math.max(...rows.map((row) => (row[column] ?? "").length))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(width(column)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")
}

/** An instant to the minute, or what stands for none. */
export const minute = (iso: Option.Option<string>, none: string): string =>
  Option.match(iso, { onNone: () => none, onSome: (text) => `${text.slice(0, 16).replace("T", " ")}Z` })
