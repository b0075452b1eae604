import { type DateTime, Effect, Option, Ref, Schema } from "effect"
import { ambiguousStamps, Instant, type KnownStamps } from "../domain/index.ts"
import { EdgeState, type SpoolError } from "../domain/ports/index.ts"

const stateKey = "meter.repeated-hour"
const Kept = Schema.parseJson(Schema.Array(Schema.Struct({ name: Schema.String, stamp: Schema.String, ts: Instant })))

const read = (text: string): KnownStamps =>
  new Map(
    Option.match(Schema.decodeOption(Kept)(text), {
      onNone: () => [],
      onSome: (kept) => kept.map(({ name, ...known }) => [name, known] as const),
    }),
  )

/**
 * In which of the two hours of an autumn night the peaks and sub-meter readings were that the meter goes on to report:
 * kept across restarts, because their stamps do not say it. Written only when there is something of the kind.
 */
export const makeRepeatedHour = Effect.fn("makeRepeatedHour")(function* (zone: DateTime.TimeZone) {
  const state = yield* EdgeState
  const kept = yield* state.get(stateKey)
  const known = Option.match(kept, { onNone: (): KnownStamps => new Map(), onSome: read })
  const written = yield* Ref.make(Option.getOrElse(kept, () => "[]"))
  const looked = yield* Ref.make("")

  const keep = (stamps: KnownStamps): Effect.Effect<void, SpoolError> =>
    Effect.gen(function* () {
      const names = [...stamps.keys()].join()
      if (names === (yield* Ref.get(looked))) return
      const ambiguous = [...ambiguousStamps(stamps, zone)].map(([name, stamp]) => ({ name, ...stamp }))
      const text = yield* Effect.orDie(Schema.encode(Kept)(ambiguous))
      if (text !== (yield* Ref.get(written))) yield* state.set(stateKey, text)
      yield* Ref.set(written, text)
      yield* Ref.set(looked, names)
    })

  return { known, keep }
})
