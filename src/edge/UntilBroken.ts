import { Effect, Fiber } from "effect"
import { Spool, type SpoolBroken } from "../domain/ports/index.ts"

/**
 * Ends a program at once, without waiting for what it was doing, when the disk fails under its spool. Asked to end, it
 * ends in order.
 */
export const untilBroken = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E | SpoolBroken, R | Spool> =>
  Effect.gen(function* () {
    const { broken } = yield* Spool
    const running = yield* Effect.forkDaemon(program)
    return yield* Effect.raceFirst(Fiber.join(running), broken).pipe(Effect.onInterrupt(() => Fiber.interrupt(running)))
  })
