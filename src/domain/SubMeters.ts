import type { Instant } from "./Instant.ts"
import type { ExternalReading, Sample } from "./Sample.ts"

/** A reading of a sub-meter, and the earliest sample that brought it. */
export interface SeenReading extends ExternalReading {
  readonly sampleTs: Instant
}

/** What a reading is stored under, once. */
export const readingKey = ({ kind, id, ts }: ExternalReading): string => JSON.stringify([kind, id, ts.epochMillis])

/** The readings of sub-meters that samples in order of time bring, each once. */
export const sampleReadings = (samples: ReadonlyArray<Sample>): ReadonlyArray<SeenReading> => {
  const seen = new Map<string, SeenReading>()
  for (const { ts, external } of samples) {
    for (const reading of external ?? []) {
      const key = readingKey(reading)
      if (!seen.has(key)) seen.set(key, { ...reading, sampleTs: ts })
    }
  }
  return [...seen.values()]
}
