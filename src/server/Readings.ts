import { HttpApiBuilder } from "@effect/platform"
import { P1Api } from "../domain/api/index.ts"
import { capacityMonth } from "./Capacity.ts"
import { realtime } from "./Realtime.ts"
import { series } from "./Series.ts"

/** What a read token gives. */
export const layer = HttpApiBuilder.group(P1Api, "readings", (handlers) =>
  handlers
    .handle("realtime", ({ urlParams }) => realtime(urlParams.device_id))
    .handle("capacityMonth", ({ path, urlParams }) => capacityMonth(path.month, urlParams.device_id, urlParams.top))
    .handle("series", ({ urlParams }) => series(urlParams.device_id, urlParams.frame, urlParams.at)),
)
