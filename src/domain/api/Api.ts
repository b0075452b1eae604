import { HttpApi, OpenApi } from "@effect/platform"
import { capacity } from "./Capacity.ts"
import { devices } from "./Devices.ts"
import { health } from "./Health.ts"
import { ingest } from "./Ingest.ts"
import { Problems } from "./Problem.ts"
import { realtime } from "./Realtime.ts"
import { history } from "./History.ts"
import { samples } from "./Samples.ts"

/** The contract between edge, server and every reader. */
export class P1Api extends HttpApi.make("p1")
  .add(ingest)
  .add(realtime)
  .add(capacity)
  .add(history)
  .add(samples)
  .add(devices)
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
