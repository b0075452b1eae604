import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { Frame, LocalDate } from "../Calendar.ts"
import { DeviceId } from "../Device.ts"
import { Batch, IngestReply } from "../Ingest.ts"
import { Month } from "../Sample.ts"
import { CapacityMonth, Realtime, Series } from "../Views.ts"
import { DeviceAuthorization, ReadAuthorization } from "./Authorization.ts"
import { Problems } from "./Problem.ts"

/** `device_id` may be left out where the token sees one device. */
const device = { device_id: Schema.optional(DeviceId) }

const ingest = HttpApiGroup.make("ingest")
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

const readings = HttpApiGroup.make("readings")
  .add(
    HttpApiEndpoint.get("realtime", "/realtime")
      .setUrlParams(Schema.Struct(device))
      .addSuccess(Realtime)
      .annotate(OpenApi.Summary, "The latest sample, the running quarter-hour and the running month"),
  )
  .add(
    HttpApiEndpoint.get("capacityMonth", "/capacity/month/:month")
      .setPath(Schema.Struct({ month: Month }))
      .setUrlParams(
        Schema.Struct({
          ...device,
          top: Schema.optionalWith(Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 100)), {
            default: () => 10,
          }).annotations({ description: "How many of the highest quarter-hours to list, 1 to 100; 10 as a rule" }),
        }),
      )
      .addSuccess(CapacityMonth)
      .annotate(OpenApi.Summary, "A month's peak and its highest quarter-hours"),
  )
  .add(
    HttpApiEndpoint.get("series", "/series")
      .setUrlParams(
        Schema.Struct({
          ...device,
          frame: Frame,
          at: Schema.optional(LocalDate).annotations({ description: "A local date inside the frame; today as a rule" }),
        }),
      )
      .addSuccess(Series)
      .annotate(OpenApi.Summary, "A day by hour, a week by day, a month by week, a year or all time by month"),
  )
  .addError(Problems.notFound)
  .addError(Problems.forbidden)
  .middleware(ReadAuthorization)
  .prefix("/v1")
  .annotate(OpenApi.Description, "Readings out, with a read token")

const Alive = Schema.Struct({ status: Schema.Literal("ok") }).annotations({ identifier: "Alive" })
const Ready = Schema.Struct({
  status: Schema.Literal("ok"),
  store: Schema.String,
  cache: Schema.String,
}).annotations({ identifier: "Ready" })

const health = HttpApiGroup.make("health")
  .add(HttpApiEndpoint.get("live", "/live").addSuccess(Alive).annotate(OpenApi.Summary, "The process answers"))
  .add(HttpApiEndpoint.get("ready", "/ready").addSuccess(Ready).annotate(OpenApi.Summary, "The store can be reached"))
  .prefix("/health")
  .annotate(OpenApi.Description, "For health checks; needs no token")

/** The contract between edge, server and every reader. */
export class P1Api extends HttpApi.make("p1")
  .add(ingest)
  .add(readings)
  .add(health)
  .addError(Problems.badRequest)
  .addError(Problems.internalError)
  .addError(Problems.unavailable)
  .annotate(OpenApi.Title, "P1 energy")
  .annotate(OpenApi.Version, "1")
  .annotate(
    OpenApi.Description,
    "A smart meter's readings on your own server. Instants are UTC, powers are watts, registers kWh; days, weeks, " +
      "months and years are those of the device's zone.",
  ) {}
