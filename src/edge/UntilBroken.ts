import { Effect } from "effect"
import { Spool, type SpoolBroken } from "../domain/ports/index.ts"

/** Ends a program at once, without waiting for what it was doing, when the disk fails under its spool. */
export const untilBroken = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E | SpoolBroken, R | Spool> =>
  Effect.flatMap(Spool, ({ broken }) => Effect.raceFirst(Effect.disconnect(program), broken))
