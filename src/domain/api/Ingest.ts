import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Batch, IngestReply } from "../Ingest.ts"
import { DeviceAuthorization } from "./Authorization.ts"
import { examples } from "./Example.ts"
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
      )
      .annotate(
        OpenApi.Transform,
        examples({
          request: {
            samples: [
              { ts: "2026-03-29T00:59:58Z", power_w: 2174, energy_import_kwh: 4321.017, energy_export_kwh: 12.5 },
              { ts: "2026-03-29T00:59:59Z", power_w: 2180, energy_import_kwh: 4321.018, energy_export_kwh: 12.5 },
            ],
          },
          reply: { received: 2, inserted: 1, duplicates: 1, conflicts: 0, rejected: [] },
        }),
      ),
  )
  .middleware(DeviceAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "Samples in, with a device token")
