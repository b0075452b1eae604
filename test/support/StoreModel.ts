import { FastCheck as fc } from "effect"
import { fromEpochMillis, type Sample } from "../../src/domain/index.ts"
import { arbitraryRun } from "./Samples.ts"

/** A batch on one of two lanes, by places of a run; what happens to the database before it. */
export interface Step {
  readonly places: ReadonlyArray<number>
  readonly lane: 0 | 1
  readonly before: "nothing" | "compress" | "refresh"
}

export interface History {
  readonly run: ReadonlyArray<Sample>
  /** Steps in turn; those of one group at once. */
  readonly groups: ReadonlyArray<ReadonlyArray<Step>>
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

const weeksMs = 21 * 86_400_000

/** A run, or one that stands still for weeks in between: what comes late then lies in another chunk, weeks back. */
const arbitraryTimes: fc.Arbitrary<ReadonlyArray<Sample>> = fc
  .tuple(arbitraryRun, fc.option(fc.nat(59)))
  .map(([run, from]) =>
    run.map((sample, i) =>
      from === null || i < from ? sample : { ...sample, ts: fromEpochMillis(sample.ts.epochMillis + weeksMs) },
    ),
  )

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
          { weight: 1, arbitrary: fc.constant("compress" as const) },
          { weight: 1, arbitrary: fc.constant("refresh" as const) },
        ),
        { minLength: 1, maxLength: 9 },
      ),
    })
    .map(({ again, events, groupSizes, lanes, order, sizes }) => {
      const batches = cut([...order, ...again], sizes)
      const steps = batches.map((places, i): Step => ({
        places,
        lane: lanes[i % lanes.length] ?? 0,
        before: events[i % events.length] ?? "nothing",
      }))
      return { run, groups: cut(steps, groupSizes) }
    }),
)
