import type { ImportedQuarter } from "../../domain/index.ts"

/** What a file says, and which of its lines say nothing that could be used. */
export interface ReadFile {
  readonly rows: number
  readonly quarters: ReadonlyArray<ImportedQuarter>
  /** Lines that were left out, counted by why. */
  readonly skipped: Readonly<Record<string, number>>
}

/** Counts what is left out. */
export const skipping = () => {
  const skipped: Record<string, number> = {}
  return {
    skipped,
    skip: (why: string, times = 1): void => {
      skipped[why] = (skipped[why] ?? 0) + times
    },
  }
}

/** Four whole numbers that add up to the energy of an hour. */
export const quartersOfHour = (energyWh: number): ReadonlyArray<number> =>
  [1, 2, 3, 4].map((n) => Math.round((energyWh * n) / 4) - Math.round((energyWh * (n - 1)) / 4))
