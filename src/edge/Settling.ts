import { Clock, Duration, Effect, Exit, Ref, Scope } from "effect"
import { Spool, type SpooledSample, type SpoolError, type Verdict } from "../domain/ports/index.ts"

/** How long samples that the server has stored may stay in the spool for company. */
const forAtMost = Duration.seconds(60)
const atMost = 60

interface Kept {
  readonly loan: Scope.CloseableScope
  readonly stored: ReadonlyArray<Verdict>
  readonly sinceNs: bigint
}

const fresh = Effect.all({ loan: Scope.make(), stored: Effect.succeed([]), sinceNs: Clock.currentTimeNanos })

/**
 * Lets samples that the server has stored leave the spool together, every minute: a commit for each would double
 * what is written to the disk. Until then they stay lent, so that nobody sends them again; after a kill they are, and
 * the server knows them.
 */
export const makeSettling = Effect.gen(function* () {
  const spool = yield* Spool
  const kept = yield* Ref.make<Kept>(yield* fresh)

  /** Lets what was stored leave; in the middle of a batch the rest of it stays lent. */
  const leave: Effect.Effect<void, SpoolError> = Effect.gen(function* () {
    const { stored } = yield* Ref.getAndUpdate(kept, (now) => ({ ...now, stored: [] }))
    if (stored.length > 0) yield* spool.settle(stored)
  }).pipe(Effect.uninterruptible)

  const giveBack = Effect.gen(function* () {
    const { loan } = yield* Ref.getAndSet(kept, yield* fresh)
    yield* Scope.close(loan, Exit.void)
  })

  const flush: Effect.Effect<void, SpoolError> = Effect.uninterruptible(Effect.ensuring(leave, giveBack))

  const isDue = ({ sinceNs, stored }: Kept, nowNs: bigint): boolean =>
    stored.length > 0 && nowNs - sinceNs >= Duration.unsafeToNanos(forAtMost)

  const settle = (verdicts: ReadonlyArray<Verdict>): Effect.Effect<void, SpoolError> =>
    Effect.gen(function* () {
      const nowNs = yield* Clock.currentTimeNanos
      const now = yield* Ref.updateAndGet(kept, ({ stored, ...rest }) => ({
        ...rest,
        sinceNs: stored.length === 0 ? nowNs : rest.sinceNs,
        stored: [...stored, ...verdicts],
      }))
      const otherwise = now.stored.some(({ _tag }) => _tag !== "Stored")
      if (isDue(now, nowNs) || now.stored.length >= atMost || otherwise) yield* leave
    })

  /** Leaves together what has waited long enough. */
  const flushDue = Effect.gen(function* () {
    const now = yield* Ref.get(kept)
    if (now.stored.length === 0 || isDue(now, yield* Clock.currentTimeNanos)) yield* flush
  })

  /** Lends for as long as what was lent before it. */
  const borrow = (
    lend: Effect.Effect<ReadonlyArray<SpooledSample>, SpoolError, Scope.Scope>,
  ): Effect.Effect<ReadonlyArray<SpooledSample>, SpoolError> =>
    Effect.flatMap(Ref.get(kept), ({ loan }) => Scope.extend(lend, loan))

  return { borrow, settle, flush, flushDue }
})
