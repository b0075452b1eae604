import { Effect } from "effect"
import type { MeterError, MeterProbe } from "../../domain/ports/index.ts"
import type { Finding } from "../../infra/process/index.ts"

/** What a check found, in words. */
export type Found = Omit<Finding, "name">

export const ok = (said: string): Found => ({ verdict: "ok", said })
export const warning = (said: string): Found => ({ verdict: "warning", said })
export const failed = (said: string): Found => ({ verdict: "failed", said })

/** One thing that a meter must do. */
export interface MeterCheck {
  readonly name: string
  readonly run: Effect.Effect<Found, MeterError, MeterProbe>
}

/** The finding of a check; that the meter gave no answer is one, too. */
export const findingOf = ({ name, run }: MeterCheck): Effect.Effect<Finding, never, MeterProbe> =>
  run.pipe(
    Effect.catchAll(({ message }) => Effect.succeed(failed(message))),
    Effect.map((found) => ({ name, ...found })),
  )
