import { Clock, Duration, Effect, Exit, Ref, Scope } from "effect"
import { Spool, type SpooledSample, type SpoolError, type Verdict } from "../domain/ports/index.ts"

/** How long samples that the server has stored may stay in the spool for company. */
const forAtMost = Duration.seconds(10)
const atMost = 60

interface Kept {
  readonly loan: Scope.CloseableScope
  readonly stored: ReadonlyArray<Verdict>
  readonly sinceNs: bigint
}

const fresh = Effect.all({ loan: Scope.make(), stored: Effect.succeed([]), sinceNs: Clock.currentTimeNanos })

/**
 * Lets samples that the server has stored leave the spool together, every ten seconds: a commit for each would double
 * what is written to the disk. Until then they stay lent, so that nobody sends them again; after a kill they are, and
 * the server knows them.
 */
export const makeSettling = Effect.gen(function* () {
  const spool = yield* Spool
  const kept = yield* Ref.make<Kept>(yield* fresh)

  const flush: Effect.Effect<void, SpoolError> = Effect.gen(function* () {
    const { loan, stored } = yield* Ref.getAndSet(kept, yield* fresh)
    yield* (stored.length === 0 ? Effect.void : spool.settle(stored)).pipe(
      Effect.ensuring(Scope.close(loan, Exit.void)),
    )
  }).pipe(Effect.uninterruptible)

  const settle = (verdicts: ReadonlyArray<Verdict>): Effect.Effect<void, SpoolError> =>
    Effect.gen(function* () {
      const nowNs = yield* Clock.currentTimeNanos
      const { sinceNs, stored } = yield* Ref.updateAndGet(kept, ({ stored, ...rest }) => ({
        ...rest,
        sinceNs: stored.length === 0 ? nowNs : rest.sinceNs,
        stored: [...stored, ...verdicts],
      }))
      const due = stored.length > 0 && nowNs - sinceNs >= Duration.unsafeToNanos(forAtMost)
      if (due || stored.length >= atMost || stored.some(({ _tag }) => _tag !== "Stored")) yield* flush
    })

  /** Leaves together what has waited long enough. */
  const flushDue = settle([])

  /** Lends for as long as what was lent before it. */
  const borrow = (
    lend: Effect.Effect<ReadonlyArray<SpooledSample>, SpoolError, Scope.Scope>,
  ): Effect.Effect<ReadonlyArray<SpooledSample>, SpoolError> =>
    Effect.flatMap(Ref.get(kept), ({ loan }) => Scope.extend(lend, loan))

  return { borrow, settle, flush, flushDue }
})
