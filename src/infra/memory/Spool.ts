import { Chunk, DateTime, Effect, Layer, Option, Ref, Stream } from "effect"
import { makeLending, steadyNow } from "../../domain/index.ts"
import { Spool, type SpoolStatus } from "../../domain/ports/index.ts"
import * as Rows from "./SpoolRows.ts"

const statusOf = ({ quarantine, waiting }: Rows.SpoolRows): SpoolStatus => ({
  waiting: Chunk.size(waiting),
  oldestTs: Option.map(Chunk.head(waiting), ({ sample }) => sample.ts),
  quarantined: quarantine.length,
  thinned: { toTenSeconds: 0, toOneMinute: 0, withoutRegisters: 0 },
  salvaged: 0,
  lost: 0,
  salvaging: false,
  bytes: 0,
  commitP99Ms: Option.none(),
})

/** A spool that lasts as long as its process. */
export const layer: Layer.Layer<Spool> = Layer.effect(
  Spool,
  Effect.gen(function* () {
    const ref = yield* Ref.make(Rows.empty)
    const lend = yield* makeLending
    return Spool.of({
      append: (sample, meter) => Ref.update(ref, Rows.append(sample, meter)),
      oldest: (limit, now) =>
        lend((lent) =>
          Effect.map(Ref.get(ref), (rows) => Chunk.toReadonlyArray(Chunk.take(Rows.due(rows, now, lent), limit))),
        ),
      newest: (limit, now) =>
        lend((lent) =>
          Effect.map(Ref.get(ref), (rows) => Chunk.toReadonlyArray(Chunk.takeRight(Rows.due(rows, now, lent), limit))),
        ),
      settle: (verdicts) =>
        Effect.flatMap(Effect.all([DateTime.now, steadyNow]), ([at, steady]) =>
          Ref.update(ref, Rows.settle(verdicts, at, steady)),
        ),
      samples: Stream.unwrap(
        Effect.map(Ref.get(ref), ({ waiting }) =>
          Stream.fromIterable(waiting).pipe(Stream.map(({ id, meter, sample }) => ({ id, sample, meter }))),
        ),
      ),
      quarantine: Stream.unwrap(Effect.map(Ref.get(ref), ({ quarantine }) => Stream.fromIterable(quarantine))),
      retry: (ids) => Ref.modify(ref, Rows.retry(ids)),
      retime: (after, before, byMs) => Ref.modify(ref, Rows.retime(after, before, byMs)),
      lastTaken: Effect.map(Ref.get(ref), ({ last }) => Option.map(last, ({ meterStamp, ts }) => ({ ts, meterStamp }))),
      lastMeter: Effect.map(Ref.get(ref), ({ lastMeter }) => lastMeter),
      status: Effect.map(Ref.get(ref), statusOf),
      check: Effect.void,
      broken: Effect.never,
    })
  }),
)
