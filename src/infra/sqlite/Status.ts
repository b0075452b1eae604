import { Effect, Option, Schema } from "effect"
import type { SpoolStatus } from "../../domain/ports/index.ts"
import { among } from "./Among.ts"
import { Database } from "./Database.ts"
import { unread } from "./Failure.ts"

const Counts = Schema.Struct({
  waiting: Schema.Number,
  oldestTs: Schema.NullOr(Schema.DateTimeUtcFromNumber),
  quarantined: Schema.Number,
  toTenSeconds: Schema.Number,
  toOneMinute: Schema.Number,
  withoutRegisters: Schema.Number,
  salvaged: Schema.Number,
  lost: Schema.Number,
  reading: Schema.Number,
})
const decodeCounts = Schema.decodeUnknown(Schema.Tuple(Counts))

/** The counts of the file; `pending` are the samples that wait for their commit, `leaving` those that go with the next. */
export const makeStatus = (pending: Effect.Effect<number>, leaving: Effect.Effect<ReadonlyArray<number>>) =>
  Effect.map(Database, ({ bytes, commitP99Ms, read, sql }) =>
    Effect.gen(function* () {
      const going = among(sql, yield* leaving)
      const [{ oldestTs, quarantined, lost, reading, salvaged, waiting, ...thinned }] = yield* sql`
        SELECT waiting - (SELECT count(*) FROM sample WHERE ${going}) AS waiting,
          (SELECT ts FROM sample WHERE NOT ${going} ORDER BY id LIMIT 1) AS oldest_ts,
          (SELECT count(*) FROM quarantine) AS quarantined,
          (SELECT coalesce(sum(dropped), 0) FROM thinning WHERE stage = 0) AS to_ten_seconds,
          (SELECT coalesce(sum(dropped), 0) FROM thinning WHERE stage = 1) AS to_one_minute,
          (SELECT coalesce(sum(dropped), 0) FROM thinning WHERE stage > 1) AS without_registers,
          (SELECT coalesce(sum(salvaged), 0) FROM salvage) AS salvaged,
          (SELECT coalesce(sum(lost), 0) FROM salvage) AS lost,
          (SELECT count(*) FROM salvage WHERE done = 0) AS reading
        FROM standing`.pipe(Effect.flatMap(decodeCounts), read, unread)
      return {
        waiting: waiting + (yield* pending),
        oldestTs: Option.fromNullable(oldestTs),
        quarantined,
        thinned,
        salvaged,
        lost,
        salvaging: reading > 0,
        bytes: yield* bytes,
        commitP99Ms: yield* commitP99Ms,
      } satisfies SpoolStatus
    }),
  )
