import { Console } from "effect"

/** A figure and the limit it is judged by, both measured in the same run. */
export interface Line {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What the same machine does without us, in the same unit, and what that is. */
  readonly limit?: { readonly value: number; readonly of: string }
  /** What we want, in words: `≥ 0.6 of the limit`. */
  readonly target?: string
}

const rounded = (value: number): string =>
  value.toLocaleString("en-US", { maximumSignificantDigits: value >= 1000 ? 6 : 3 })

export const section = (title: string) => Console.log(`\n${title}`)

/** `rows committed   650 rows/s   0.97 of 668 (bare better-sqlite3)   target ≥ 0.9` */
export const line = ({ limit, name, target, unit, value }: Line) =>
  Console.log(
    [
      `  ${name.padEnd(44)} ${rounded(value).padStart(12)} ${unit.padEnd(8)}`,
      limit && `${(value / limit.value).toFixed(2)} of ${rounded(limit.value)} (${limit.of})`,
      target && `target ${target}`,
    ]
      .filter(Boolean)
      .join("  "),
  )
