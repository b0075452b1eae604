import { Effect, Option, Ref } from "effect"
import type { Sample } from "../domain/index.ts"

/** No meter gives them faster; only a leap second lies closer to the next. */
const shortestMs = 1_000

interface Pace {
  readonly lastMs: Option.Option<number>
  /** The shortest time seen between two telegrams: how often the meter gives one, 1 s or 10 s as a rule. */
  readonly periodMs: number
}

/** Counts the telegrams that a meter gave and nobody took, by its own reading times; what is missing is never made up. */
export const makeTelegramGaps = Effect.map(Ref.make<Pace>({ lastMs: Option.none(), periodMs: Infinity }), (pace) => ({
  /** How many telegrams are missing between this sample and the one before it in this run. */
  before: ({ ts, tsSource }: Sample): Effect.Effect<number> =>
    Ref.modify(pace, ({ lastMs, periodMs }) => {
      if (tsSource !== "meter") return [0, { lastMs: Option.none(), periodMs }]
      const gapMs = Option.match(lastMs, { onNone: () => Infinity, onSome: (last) => ts.epochMillis - last })
      const period = Math.max(shortestMs, Math.min(periodMs, gapMs))
      const next = { lastMs: Option.some(ts.epochMillis), periodMs: period }
      return [Number.isFinite(gapMs) ? Math.max(0, Math.round(gapMs / period) - 1) : 0, next]
    }),
}))
