import { Array as Arr, Effect, Ref, Schema } from "effect"

/** How the backlog shrinks. */
export const UploadProgress = Schema.Struct({
  /** Over the last half minute. */
  samples_per_second: Schema.Number,
  /** The most that waited since the spool was last as good as empty; null when it is. */
  backlog_of: Schema.NullOr(Schema.Int),
})
export type UploadProgress = typeof UploadProgress.Type

/** Samples that wait in passing: the next upload takes them. */
const inPassing = 60
const looksBack = 7

interface Look {
  readonly uploaded: number
  readonly waiting: number
  /** On the monotonic clock. */
  readonly nowNs: bigint
}

/** Follows the uploads from look to look. */
export const makeUploadProgress = Effect.map(
  Ref.make<{ readonly looks: ReadonlyArray<Look>; readonly most: number }>({ looks: [], most: 0 }),
  (state) =>
    (look: Look): Effect.Effect<UploadProgress> =>
      Ref.modify(state, ({ looks: before, most: mostBefore }) => {
        const looks = Arr.takeRight([...before, look], looksBack)
        const most = look.waiting <= inPassing ? 0 : Math.max(mostBefore, look.waiting)
        const [first = look] = looks
        const seconds = Number(look.nowNs - first.nowNs) / 1e9
        const rate = seconds > 0 ? (look.uploaded - first.uploaded) / seconds : 0
        return [
          { samples_per_second: Math.round(rate * 10) / 10, backlog_of: most === 0 ? null : most },
          { looks, most },
        ]
      }),
)
