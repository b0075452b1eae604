import { Chunk, Effect, HashMap, Layer, Option, Ref } from "effect"
import type { MeterInfo, Sample } from "../../domain/index.ts"
import { Spool, type SpooledSample, type Verdict } from "../../domain/ports/index.ts"

interface State {
  readonly taken: number
  readonly waiting: Chunk.Chunk<SpooledSample & { readonly notBeforeMs: number }>
  readonly quarantined: number
  readonly last: Option.Option<Sample>
  readonly lastMeter: Option.Option<MeterInfo>
}

const empty: State = {
  taken: 0,
  waiting: Chunk.empty(),
  quarantined: 0,
  last: Option.none(),
  lastMeter: Option.none(),
}

const append =
  (sample: Sample, meter: MeterInfo | null) =>
  (state: State): State => ({
    ...state,
    taken: state.taken + 1,
    waiting: Chunk.append(state.waiting, { id: state.taken + 1, sample, meter, notBeforeMs: 0 }),
    last: Option.some(sample),
    lastMeter: Option.orElse(Option.fromNullable(meter), () => state.lastMeter),
  })

const settle =
  (verdicts: ReadonlyArray<Verdict>) =>
  (state: State): State => {
    const byId = HashMap.fromIterable(verdicts.map((verdict) => [verdict.id, verdict] as const))
    const verdictOf = (id: number) => Option.getOrUndefined(HashMap.get(byId, id))
    return {
      ...state,
      waiting: Chunk.filterMap(state.waiting, (row) => {
        const verdict = verdictOf(row.id)
        if (verdict === undefined) return Option.some(row)
        if (verdict._tag !== "Postponed") return Option.none()
        return Option.some({ ...row, notBeforeMs: verdict.until.epochMillis })
      }),
      quarantined:
        state.quarantined + Chunk.size(Chunk.filter(state.waiting, ({ id }) => verdictOf(id)?._tag === "Quarantined")),
    }
  }

/** A spool that lasts as long as its process. */
export const layer: Layer.Layer<Spool> = Layer.effect(
  Spool,
  Effect.map(Ref.make(empty), (ref) =>
    Spool.of({
      append: (sample, meter) => Ref.update(ref, append(sample, meter)),
      oldest: (limit, now) =>
        Effect.map(Ref.get(ref), ({ waiting }) =>
          waiting.pipe(
            Chunk.filter(({ notBeforeMs }) => notBeforeMs <= now.epochMillis),
            Chunk.take(limit),
            Chunk.map(({ id, meter, sample }) => ({ id, sample, meter })),
            Chunk.toReadonlyArray,
          ),
        ),
      settle: (verdicts) => Ref.update(ref, settle(verdicts)),
      lastTaken: Effect.map(Ref.get(ref), ({ last }) => Option.map(last, ({ meterStamp, ts }) => ({ ts, meterStamp }))),
      lastMeter: Effect.map(Ref.get(ref), ({ lastMeter }) => lastMeter),
      status: Effect.map(Ref.get(ref), ({ quarantined, waiting }) => ({
        waiting: Chunk.size(waiting),
        oldestTs: Option.map(Chunk.head(waiting), ({ sample }) => sample.ts),
        quarantined,
      })),
    }),
  ),
)
