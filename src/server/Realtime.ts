import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import { Clock, Effect } from "effect"
import { P1Api } from "../domain/api/index.ts"
import type { DeviceId } from "../domain/index.ts"
import { orUnavailable } from "./Problems.ts"
import { noSamplesYet, orNotFound, requestedDevice } from "./Readers.ts"
import { RealtimeDocuments, replyAt } from "./RealtimeDocuments.ts"
import { stream } from "./RealtimeStream.ts"

const latest = (requested: DeviceId | undefined) =>
  Effect.gen(function* () {
    const { deviceId } = yield* requestedDevice(requested)
    const { current } = yield* RealtimeDocuments
    const document = yield* current(deviceId).pipe(orUnavailable, orNotFound(noSamplesYet))
    return HttpServerResponse.text(replyAt(document, yield* Clock.currentTimeMillis), {
      contentType: "application/json",
    })
  })

/** `GET /v1/realtime` and its stream. */
export const layer = HttpApiBuilder.group(P1Api, "realtime", (handlers) =>
  handlers
    .handle("latest", ({ urlParams }) => latest(urlParams.device_id))
    .handle("stream", ({ urlParams }) => stream(urlParams.device_id)),
)
