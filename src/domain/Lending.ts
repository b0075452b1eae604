import { Array as Arr, Effect, Ref, type Scope } from "effect"

/** From the first id to the last, both included. */
export interface IdRange {
  readonly first: number
  readonly last: number
}

const rangeOf = (rows: ReadonlyArray<{ readonly id: number }>): ReadonlyArray<IdRange> => {
  const ids = rows.map(({ id }) => id)
  return Arr.match(ids, { onEmpty: () => [], onNonEmpty: () => [{ first: Math.min(...ids), last: Math.max(...ids) }] })
}

/** Whether an id lies in one of some ranges. */
export const within = (ranges: ReadonlyArray<IdRange>, id: number): boolean =>
  ranges.some(({ first, last }) => id >= first && id <= last)

/**
 * Lends rows to one borrower at a time. `find` is given the ranges that are lent and stays out of them; what it finds
 * is lent until the scope ends, with all that lies in between.
 */
export const makeLending = Effect.map(
  Effect.all([Ref.make<ReadonlyArray<IdRange>>([]), Effect.makeSemaphore(1)]),
  ([lent, one]) =>
    <A extends { readonly id: number }, E>(
      find: (lent: ReadonlyArray<IdRange>) => Effect.Effect<ReadonlyArray<A>, E>,
    ): Effect.Effect<ReadonlyArray<A>, E, Scope.Scope> =>
      Effect.acquireRelease(
        Effect.gen(function* () {
          const rows = yield* find(yield* Ref.get(lent))
          const ranges = rangeOf(rows)
          yield* Ref.update(lent, Arr.appendAll(ranges))
          return { rows, ranges }
        }).pipe(one.withPermits(1)),
        ({ ranges }) => Ref.update(lent, (all) => all.filter((range) => !ranges.includes(range))),
      ).pipe(Effect.map(({ rows }) => rows)),
)
