import { HttpApiBuilder, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Array as Arr, Chunk, Effect, Option, Stream } from "effect"
import { P1Api } from "../domain/api/index.ts"
import type { DeviceId, Moment, Range, Sample } from "../domain/index.ts"
import { Store } from "../domain/ports/index.ts"
import { cutWhenStuck } from "../infra/http-server/index.ts"
import { stillReads } from "./Authorization.ts"
import { acceptsCsv } from "./CsvReply.ts"
import { requestedDevice } from "./Readers.ts"
import { csv, jsonLines } from "./SampleText.ts"
import { rangeBetween } from "./SeriesRange.ts"

/** Rows that are read at once: between pages nothing is held, however slowly they are taken. */
const pageLength = 1_000
/** No sample is older. */
const beginning: Moment = "2020-01-01"

const pages = (deviceId: DeviceId, range: Range) =>
  Effect.map(Store, (store) =>
    Stream.paginateChunkEffect(range, (rest) =>
      Effect.map(store.samples(deviceId, rest, pageLength), (samples) => [
        Arr.isEmptyReadonlyArray(samples) ? Chunk.empty<ReadonlyArray<Sample>>() : Chunk.of(samples),
        Option.map(
          Option.filter(Arr.last(samples), () => samples.length === pageLength),
          ({ ts }) => ({ fromMs: ts.epochMillis + 1, toMs: rest.toMs }),
        ),
      ]),
    ),
  )

const samples = (requested: DeviceId | undefined, from: Moment | undefined, to: Moment | undefined) =>
  Effect.gen(function* () {
    const device = yield* requestedDevice(requested)
    const range = yield* rangeBetween(device, from ?? beginning, to, Infinity)
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const { contentType, head, line } = acceptsCsv(headers["accept"]) ? csv : jsonLines
    const mayRead = yield* stillReads(device.deviceId)
    yield* cutWhenStuck
    return HttpServerResponse.stream(
      (yield* pages(device.deviceId, range)).pipe(
        Stream.takeUntilEffect(() => Effect.negate(mayRead)),
        Stream.map((page) => page.map(line).join("")),
        (texts) => Stream.concat(Stream.make(head), texts),
        Stream.filter((text) => text !== ""),
        Stream.encodeText,
      ),
      { contentType },
    )
  })

/** `GET /v1/samples`. */
export const layer = HttpApiBuilder.group(P1Api, "samples", (handlers) =>
  handlers.handle("export", ({ urlParams: { device_id, from, to } }) => samples(device_id, from, to)),
)
