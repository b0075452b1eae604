import { Array as Arr, Clock, Duration, Effect, Ref } from "effect"
import type { Verdict } from "../../domain/ports/index.ts"
import { Database } from "./Database.ts"
import { remove } from "./Settle.ts"

/** So many leave with the next sample: before they fill a page of their own, and with no commit of their own. */
const enough = 5
/** More than so many leave at once. */
const atMost = 60
/** Where no sample comes they leave alone after so long. */
const longest = Duration.seconds(10)

interface Going {
  readonly ids: ReadonlyArray<number>
  readonly sinceNs: bigint
}

/**
 * Samples that the server has stored, until they leave the file together: a commit for each would double what is
 * written to the disk. Nobody is shown them meanwhile; after a kill they are there again, and the server knows them.
 */
export const makeLeaving = Effect.gen(function* () {
  const { sql, write } = yield* Database
  const going = yield* Ref.make<Going>({ ids: [], sinceNs: 0n })
  const ids = Effect.map(Ref.get(going), (now) => now.ids)

  const together = <A, E>(statements: Effect.Effect<A, E>) =>
    Effect.gen(function* () {
      const gone = yield* ids
      const written = yield* write(Effect.zipRight(remove(sql, gone), statements))
      yield* Ref.update(going, (now) => ({ ...now, ids: Arr.difference(now.ids, gone) }))
      return written
    }).pipe(Effect.uninterruptible)

  const leave = together(Effect.void)
  yield* Effect.addFinalizer(() => Effect.ignoreLogged(leave))

  return {
    ids,
    /** Runs statements as one transaction, in which they leave as well where they are enough for it and can. */
    commit: <A, E>(statements: Effect.Effect<A, E>) =>
      Effect.flatMap(ids, ({ length }) =>
        length < enough ? write(statements) : Effect.orElse(together(statements), () => write(statements)),
      ),
    /** Lets stored samples leave soon; false where there is something else to do, or too much of it. */
    takes: (verdicts: ReadonlyArray<Verdict>) =>
      Effect.flatMap(Clock.currentTimeNanos, (nowNs) =>
        Ref.modify(going, (now) => {
          const takes = now.ids.length + verdicts.length <= atMost && verdicts.every(({ _tag }) => _tag === "Stored")
          const sinceNs = now.ids.length === 0 ? nowNs : now.sinceNs
          return takes ? [true, { ids: [...now.ids, ...verdicts.map(({ id }) => id)], sinceNs }] : [false, now]
        }),
      ),
    /** Lets those leave alone that have waited long enough. */
    leaveDue: Effect.flatMap(Effect.all([Ref.get(going), Clock.currentTimeNanos]), ([now, nowNs]) =>
      now.ids.length > 0 && nowNs - now.sinceNs >= Duration.unsafeToNanos(longest) ? leave : Effect.void,
    ),
  }
})

export type Leaving = Effect.Effect.Success<typeof makeLeaving>
