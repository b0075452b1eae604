import { SqlClient } from "@effect/sql"
import { Effect, Schema } from "effect"
import { line, section } from "../support/Report.ts"
import { once } from "./Measure.ts"

const Counted = Schema.Tuple(Schema.Struct({ bytes: Schema.Number, rows: Schema.Number }))
const decode = Schema.decodeUnknown(Counted)
const decodeChunks = Schema.decodeUnknown(Schema.Array(Schema.Struct({ chunk: Schema.String })))

/** Bytes of a sample as it is stored first and, with TimescaleDB, once its chunk is compressed. */
export const sizes = (timescale: boolean) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const size = timescale ? "hypertable_size('p1_samples')" : "pg_total_relation_size('p1_samples')"
    const perRow = Effect.gen(function* () {
      const rows = yield* sql.unsafe(`select ${size} as bytes, (select count(*) from p1_samples) as rows`)
      const [{ bytes, rows: count }] = yield* Effect.orDie(decode(rows))
      return bytes / count
    })
    yield* section("Size")
    const raw = yield* perRow
    yield* line({ name: "a sample, with its index", value: raw, unit: "bytes" })
    if (!timescale) return
    const chunks = yield* Effect.orDie(decodeChunks(yield* sql`select show_chunks('p1_samples')::text as chunk`))
    const ms = yield* once(
      Effect.forEach(chunks, ({ chunk }) => sql`select compress_chunk(${chunk}::text::regclass)`, { discard: true }),
    )
    const compressed = yield* perRow
    yield* line({ name: "  compressed", value: compressed, unit: "bytes", limit: { value: raw, of: "raw" } })
    yield* line({ name: "  compressing all of them", value: ms / 1000, unit: "s" })
  })
