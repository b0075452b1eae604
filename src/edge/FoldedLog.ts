import { Clock, Duration, Effect, HashMap, Option, Ref } from "effect"

interface Fold {
  readonly saidAtNs: bigint
  readonly unsaid: number
}

/** Warnings that come again and again, said at most once in a while with how often they came. */
export interface FoldedLog {
  readonly warn: (kind: string, warning: Effect.Effect<void>) => Effect.Effect<void>
  /** Forgets what was said; whether anything was. */
  readonly reset: Effect.Effect<boolean>
}

/** Folds the warnings of one kind within `every` into one, annotated with their number as `times`. */
export const makeFoldedLog = (every: Duration.DurationInput): Effect.Effect<FoldedLog> =>
  Effect.map(Ref.make(HashMap.empty<string, Fold>()), (folds) => ({
    warn: (kind, warning) =>
      Effect.gen(function* () {
        const nowNs = yield* Clock.currentTimeNanos
        const times = yield* Ref.modify(folds, (all) => {
          const fold = Option.getOrUndefined(HashMap.get(all, kind))
          const unsaid = (fold?.unsaid ?? 0) + 1
          const due = fold === undefined || Duration.greaterThanOrEqualTo(Duration.nanos(nowNs - fold.saidAtNs), every)
          return due
            ? [unsaid, HashMap.set(all, kind, { saidAtNs: nowNs, unsaid: 0 })]
            : [0, HashMap.set(all, kind, { ...fold, unsaid })]
        })
        if (times > 0) yield* Effect.annotateLogs(warning, { times })
      }),
    reset: Effect.map(Ref.getAndSet(folds, HashMap.empty()), (all) => HashMap.size(all) > 0),
  }))
