import { FastCheck as fc } from "effect"
import { fromEpochMillis, type QuarterHour, type Sample } from "../../src/domain/index.ts"
import { arbitraryRun, baseMs } from "./Samples.ts"
import { quartersByDomain } from "./Stores.ts"

/** A batch on one of two lanes, by places of a run; what happens to the database meanwhile. */
export interface Step {
  readonly places: ReadonlyArray<number>
  readonly lane: 0 | 1
  readonly before: "nothing" | "compress" | "refresh" | "refreshLate" | "recompute" | "repair" | "jobs"
}

/** Steps that are taken at once. */
export interface Group {
  readonly steps: ReadonlyArray<Step>
  /** To where the horizon is raised before them. */
  readonly horizonMs: number | null
  /** Whether all is quiet after them, and answers are looked at. */
  readonly quiet: boolean
}

export interface History {
  readonly run: ReadonlyArray<Sample>
  /** In turn. */
  readonly groups: ReadonlyArray<Group>
}

/**
 * What the store promises, by the domain alone: all samples count as if they had come in order; those before the
 * horizon are not taken, and what was made of earlier ones stays as it was.
 */
export class StoreModel {
  private readonly taken = new Map<number, Sample>()
  private kept: ReadonlyArray<QuarterHour> = []
  horizonMs = -Infinity

  raise(horizonMs: number): void {
    this.kept = this.quarters
    this.horizonMs = Math.max(this.horizonMs, horizonMs)
  }

  /** Gives the places of those that are not taken. */
  take(batch: ReadonlyArray<Sample>): ReadonlyArray<number> {
    const isTaken = ({ ts }: Sample): boolean => ts.epochMillis >= this.horizonMs
    for (const sample of batch) {
      const { epochMillis } = sample.ts
      if (isTaken(sample) && !this.taken.has(epochMillis)) this.taken.set(epochMillis, sample)
    }
    return batch.flatMap((sample, place) => (isTaken(sample) ? [] : [place]))
  }

  get samples(): ReadonlyArray<Sample> {
    return [...this.taken.values()].sort((a, b) => a.ts.epochMillis - b.ts.epochMillis)
  }

  get quarters(): ReadonlyArray<QuarterHour> {
    return [
      ...this.kept.filter(({ startMs }) => startMs < this.horizonMs),
      ...quartersByDomain(this.samples).filter(({ startMs }) => startMs >= this.horizonMs),
    ]
  }
}

const cut = <A>(list: ReadonlyArray<A>, sizes: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<A>> => {
  const pieces: Array<ReadonlyArray<A>> = []
  let from = 0
  for (let i = 0; from < list.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    pieces.push(list.slice(from, from + size))
    from += size
  }
  return pieces
}

const sizes = fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 8 })

/** Mostly in the order of time, as a device sends, with pieces that come late or anything in any order. */
const order = (length: number): fc.Arbitrary<ReadonlyArray<number>> => {
  const all = Array.from({ length }, (_, i) => i)
  return fc.oneof(
    fc.constant(all),
    fc.nat(length).chain((at) => fc.constant([...all.slice(at), ...all.slice(0, at)])),
    fc.shuffledSubarray(all, { minLength: length }),
  )
}

const dayMs = 86_400_000
const weeksMs = 21 * dayMs

/** A run, or one that stands still for weeks in between: what comes late then lies in another chunk, weeks back. */
const arbitraryTimes: fc.Arbitrary<ReadonlyArray<Sample>> = fc
  .tuple(arbitraryRun, fc.option(fc.nat(59)))
  .map(([run, from]) =>
    run.map((sample, i) =>
      from === null || i < from ? sample : { ...sample, ts: fromEpochMillis(sample.ts.epochMillis + weeksMs) },
    ),
  )

/** Midnights around a run, some of which a chunk lies before. */
const horizons = fc.constantFrom(1, 2, 7, 21, 22, 40).map((days) => (Math.floor(baseMs / dayMs) + days) * dayMs)

const raised = fc.option(fc.record({ group: fc.nat(20), horizonMs: horizons }), { freq: 3 })

/** Every sample of a run at least once, split, repeated, overlapping, shuffled, at once on both lanes of a device. */
export const arbitraryHistory: fc.Arbitrary<History> = arbitraryTimes.chain((run) =>
  fc
    .record({
      order: order(run.length),
      again: fc.array(fc.nat(run.length - 1), { maxLength: 12 }),
      sizes,
      groupSizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
      lanes: fc.array(fc.constantFrom(0 as const, 1 as const), { minLength: 1, maxLength: 5 }),
      events: fc.array(
        fc.oneof(
          { weight: 6, arbitrary: fc.constant("nothing" as const) },
          {
            weight: 4,
            arbitrary: fc.constantFrom(
              ...(["compress", "refresh", "refreshLate", "recompute", "repair", "jobs"] as const),
            ),
          },
        ),
        { minLength: 1, maxLength: 9 },
      ),
      quiet: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
      raised,
    })
    .map(({ again, events, groupSizes, lanes, order, quiet, raised, sizes }) => {
      const batches = cut([...order, ...again], sizes)
      const steps = batches.map((places, i): Step => ({
        places,
        lane: lanes[i % lanes.length] ?? 0,
        before: events[i % events.length] ?? "nothing",
      }))
      const groups = cut(steps, groupSizes)
      return {
        run,
        groups: groups.map((steps, i) => ({
          steps,
          horizonMs: raised !== null && i === raised.group % groups.length ? raised.horizonMs : null,
          quiet: quiet[i % quiet.length] ?? false,
        })),
      }
    }),
)
