import { Effect } from "effect"
import type { MeterError, MeterProbe } from "../../domain/ports/index.ts"

/** What a check found, in words: fine; something to know; something that must be put right, and how. */
export interface Finding {
  readonly verdict: "ok" | "warning" | "failed"
  readonly said: string
}

export const ok = (said: string): Finding => ({ verdict: "ok", said })
export const warning = (said: string): Finding => ({ verdict: "warning", said })
export const failed = (said: string): Finding => ({ verdict: "failed", said })

/** One thing that a meter must do. */
export interface MeterCheck {
  readonly name: string
  readonly run: Effect.Effect<Finding, MeterError, MeterProbe>
}

/** The finding of a check; that the meter gave no answer is one, too. */
export const findingOf = ({ run }: MeterCheck): Effect.Effect<Finding, never, MeterProbe> =>
  Effect.catchAll(run, ({ message }) => Effect.succeed(failed(message)))
