import { Deferred, Effect, FiberId, type Scope } from "effect"

interface Slot<A, E> {
  next: Deferred.Deferred<A, E> | undefined
}

/**
 * Lets those who ask for the same share the work: who comes while a run is under way waits for the next one, which all
 * who wait then share. So at most one runs, and nobody gets what was read before he asked. A run goes on when those
 * who wait for it go away.
 */
export const coalesced = <Key, A, E, R>(
  run: (key: Key) => Effect.Effect<A, E, R>,
): Effect.Effect<(key: Key) => Effect.Effect<A, E>, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const context = yield* Effect.context<R>()
    const slots = new Map<Key, Slot<A, E>>()

    const work = (key: Key, slot: Slot<A, E>, first: Deferred.Deferred<A, E>): Effect.Effect<void> =>
      Effect.provide(run(key), context).pipe(
        Effect.onExit((exit) => Deferred.done(first, exit)),
        Effect.exit,
        Effect.zipRight(
          Effect.suspend(() => {
            const { next } = slot
            slot.next = undefined
            if (next !== undefined) return work(key, slot, next)
            slots.delete(key)
            return Effect.void
          }),
        ),
      )

    return (key) =>
      Effect.suspend(() => {
        const slot = slots.get(key)
        if (slot !== undefined) {
          slot.next ??= Deferred.unsafeMake(FiberId.none)
          return Deferred.await(slot.next)
        }
        const fresh: Slot<A, E> = { next: undefined }
        const first = Deferred.unsafeMake<A, E>(FiberId.none)
        slots.set(key, fresh)
        return Effect.zipRight(
          Effect.forkIn(Effect.interruptible(work(key, fresh, first)), scope),
          Deferred.await(first),
        )
      })
  })
