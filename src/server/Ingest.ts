import { HttpApiBuilder } from "@effect/platform"
import { Array as Arr, Clock, DateTime, Effect, Metric, Predicate, Record, Schema } from "effect"
import { BadRequest, CurrentDevice, Forbidden, P1Api, Unauthorized, Unprocessable } from "../domain/api/index.ts"
import { BatchExtras, type DeviceId, type IngestReply, maxBatchSize } from "../domain/index.ts"
import { Store } from "../domain/ports/index.ts"
import { Answers } from "./Answers.ts"
import { DeviceFigures } from "./DeviceFigures.ts"
import { ingestLag, ingestRows } from "./Metrics.ts"
import { jsonBody } from "./Body.ts"
import { orUnavailable } from "./Problems.ts"
import { RealtimeDocuments } from "./RealtimeDocuments.ts"
import { fieldErrors } from "./FieldErrors.ts"
import { namesOther, type Sorted, sortRows, withExpired } from "./Rows.ts"

/** The token was looked up before, and went with the device. */
const removedMeanwhile = new Unauthorized({ detail: "The device of this token was removed." })

const samplesOf = (body: unknown) => {
  const samples = Predicate.isRecord(body) ? body["samples"] : undefined
  return Array.isArray(samples) && samples.length > 0 && samples.length <= maxBatchSize
    ? Effect.succeed(samples as ReadonlyArray<unknown>)
    : new Unprocessable({
        detail: "The body must be an object with samples.",
        errors: [{ path: "samples", message: `a list of 1 to ${maxBatchSize} samples is expected` }],
      })
}

const decodeExtras = Schema.decodeUnknown(BatchExtras, { errors: "all" })
const extrasOf = (body: unknown) =>
  Effect.mapError(
    decodeExtras(body),
    (error) => new BadRequest({ detail: "What goes with the samples cannot be read.", errors: fieldErrors(error) }),
  )

const sameDevice = (deviceId: DeviceId, body: unknown, rows: ReadonlyArray<unknown>) =>
  [body, ...rows].some((value) => namesOther(value, deviceId))
    ? new Forbidden({ detail: "device_id is not the device of this token." })
    : Effect.void

const counted = (rows: Record<Parameters<typeof ingestRows>[0], number>) =>
  Effect.forEach(Record.toEntries(rows), ([outcome, count]) => Metric.incrementBy(ingestRows(outcome), count))

const measureLag = (deviceId: DeviceId, samples: Sorted["samples"]) =>
  Effect.gen(function* () {
    const { seen } = yield* DeviceFigures
    const newestMs = samples.reduce((newest, { ts }) => Math.max(newest, ts.epochMillis), 0)
    yield* seen(deviceId, newestMs)
    yield* Metric.update(ingestLag, Math.max(0, (yield* Clock.currentTimeMillis) - newestMs) / 1000)
  })

const store = (
  deviceId: DeviceId,
  { places, rejected, samples }: Sorted,
  extras: BatchExtras,
  receivedAt: DateTime.Utc,
) =>
  Effect.gen(function* () {
    const { ingest } = yield* Store
    const { refresh } = yield* RealtimeDocuments
    const { raised } = yield* Answers
    const batch = { samples, meter: extras.meter, meteredPeaks: extras.meteredPeaks ?? [], receivedAt }
    const counts = yield* ingest(deviceId, batch).pipe(
      orUnavailable,
      Effect.catchTag("DeviceUnknown", () => removedMeanwhile),
    )
    yield* raised(deviceId, counts.revision)
    yield* refresh(deviceId)
    const { conflicts, duplicates, expired, inserted } = counts
    const refused = withExpired({ places, rejected }, expired)
    yield* counted({ inserted, duplicate: duplicates - conflicts, conflict: conflicts, rejected: refused.length })
    yield* measureLag(deviceId, samples)
    return { received: samples.length + rejected.length, inserted, duplicates, conflicts, rejected: refused }
  }).pipe(Effect.uninterruptible)

const ingest = Effect.gen(function* () {
  const deviceId = yield* CurrentDevice
  const body = yield* jsonBody
  const rows = yield* samplesOf(body)
  yield* sameDevice(deviceId, body, rows)
  const extras = yield* extrasOf(body)
  const now = yield* DateTime.now
  const sorted = yield* sortRows(rows, now)
  if (Arr.isEmptyReadonlyArray(sorted.samples)) {
    const nothing: IngestReply = {
      received: rows.length,
      inserted: 0,
      duplicates: 0,
      conflicts: 0,
      rejected: sorted.rejected,
    }
    yield* counted({ inserted: 0, duplicate: 0, conflict: 0, rejected: rows.length })
    return nothing
  }
  return yield* store(deviceId, sorted, extras, now)
})

/** `POST /v1/ingest`. */
export const layer = HttpApiBuilder.group(P1Api, "ingest", (handlers) => handlers.handleRaw("ingest", () => ingest))
