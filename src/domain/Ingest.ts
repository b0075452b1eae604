import { Schema } from "effect"
import { DeviceId } from "./Device.ts"
import { MeteredPeak, MeterInfo, Sample } from "./Sample.ts"
import { nullable, SnakeStruct } from "./SnakeCase.ts"

/** Samples in one batch. */
export const maxBatchSize = 5_000
/** Bytes of one request on the wire, and after decompression. */
export const maxWireBytes = 1_000_000
export const maxDecodedBytes = 8_000_000

const extras = {
  deviceId: nullable(DeviceId),
  meter: nullable(MeterInfo),
  meteredPeaks: nullable(Schema.Array(MeteredPeak).pipe(Schema.maxItems(100))),
} as const

/** What may go with a batch's samples. */
export const BatchExtras = SnakeStruct(extras)
export type BatchExtras = typeof BatchExtras.Type

/** The body of `POST /v1/ingest`. */
export const Batch = SnakeStruct({
  samples: Schema.Array(Sample).pipe(Schema.minItems(1), Schema.maxItems(maxBatchSize)),
  ...extras,
}).annotations({ identifier: "Batch" })
export type Batch = typeof Batch.Type

/** Why a row was refused: what it says is wrong, it lies ahead of the server's clock, or too far back. */
export const RejectionCode = Schema.Literal("invalid", "future", "before_2020", "before_retention")
export type RejectionCode = typeof RejectionCode.Type

export const Rejection = Schema.Struct({
  index: Schema.NonNegativeInt.annotations({ description: "The row's place in the batch, from 0" }),
  code: RejectionCode,
  message: Schema.String,
}).annotations({ identifier: "Rejection" })
export type Rejection = typeof Rejection.Type

/** `received` = `inserted` + `duplicates` + the rejected; `conflicts` are the duplicates with other values. */
export const IngestReply = Schema.Struct({
  received: Schema.NonNegativeInt,
  inserted: Schema.NonNegativeInt,
  duplicates: Schema.NonNegativeInt,
  conflicts: Schema.NonNegativeInt,
  rejected: Schema.Array(Rejection),
}).annotations({ identifier: "IngestReply" })
export type IngestReply = typeof IngestReply.Type
