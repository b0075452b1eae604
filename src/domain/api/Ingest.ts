import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Batch, IngestReply } from "../Ingest.ts"
import { DeviceAuthorization } from "./Authorization.ts"
import { Problems } from "./Problem.ts"

export const ingest = HttpApiGroup.make("ingest")
  .add(
    HttpApiEndpoint.post("ingest", "/ingest")
      .setPayload(Batch)
      .addSuccess(IngestReply)
      .addError(Problems.payloadTooLarge)
      .addError(Problems.unsupportedMediaType)
      .addError(Problems.unprocessable)
      .addError(Problems.forbidden)
      .annotate(OpenApi.Summary, "Store a batch of samples")
      .annotate(
        OpenApi.Description,
        "1 to 5,000 samples, at most 1 MB on the wire (gzip welcome) and 8 MB decoded. Repeating a sample changes " +
          "nothing: its key is the device and `ts`, and the first write wins. Rows that cannot be stored are listed " +
          "in `rejected`, the others are stored. The reply is sent after the commit.",
      ),
  )
  .middleware(DeviceAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "Samples in, with a device token")
