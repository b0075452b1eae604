import { Context, Effect, Layer, Ref } from "effect"
import type { MeteredPeak } from "../domain/index.ts"

interface Peaks {
  /** What the meter last said of its closed months. */
  readonly known: ReadonlyArray<MeteredPeak>
  readonly sent: boolean
}

/** The meter's own peaks of closed months, on their way to the server. */
export class MeteredPeaks extends Context.Tag("edge/MeteredPeaks")<
  MeteredPeaks,
  {
    readonly read: (peaks: ReadonlyArray<MeteredPeak>) => Effect.Effect<void>
    /** What the server has not been told yet; null when there is nothing. */
    readonly unsent: Effect.Effect<ReadonlyArray<MeteredPeak> | null>
    readonly markSent: (peaks: ReadonlyArray<MeteredPeak> | null) => Effect.Effect<void>
  }
>() {
  static readonly layer: Layer.Layer<MeteredPeaks> = Layer.effect(
    MeteredPeaks,
    Effect.map(Ref.make<Peaks>({ known: [], sent: true }), (state) =>
      MeteredPeaks.of({
        read: (peaks) =>
          Ref.update(state, (now) =>
            JSON.stringify(peaks) === JSON.stringify(now.known) ? now : { known: peaks, sent: peaks.length === 0 },
          ),
        unsent: Effect.map(Ref.get(state), ({ known, sent }) => (sent ? null : known)),
        markSent: (peaks) => Ref.update(state, (now) => (now.known === peaks ? { ...now, sent: true } : now)),
      }),
    ),
  )
}
