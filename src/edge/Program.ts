import type { HttpClient } from "@effect/platform"
import { Layer } from "effect"
import type { EdgeState, Meter, Spool, SpoolError } from "../domain/ports/index.ts"
import { EdgeClock } from "./EdgeClock.ts"
import { EdgeStatus } from "./EdgeStatus.ts"
import { MeteredPeaks } from "./MeteredPeaks.ts"
import * as Poller from "./Poller.ts"
import * as TelegramReader from "./TelegramReader.ts"
import * as Uploader from "./Uploader.ts"

export interface EdgeOptions {
  readonly poll: Poller.PollerOptions
  readonly upload: Uploader.UploaderOptions
}

/** The edge: takes samples into the spool and uploads them, for as long as the layer lives. */
export const layer = (
  options: EdgeOptions,
): Layer.Layer<EdgeStatus | EdgeClock, SpoolError, Meter | Spool | EdgeState | HttpClient.HttpClient> =>
  Layer.mergeAll(Poller.layer(options.poll), TelegramReader.layer(options.poll), Uploader.layer(options.upload)).pipe(
    Layer.provideMerge(Layer.merge(EdgeStatus.layer, EdgeClock.layer)),
    Layer.provide(MeteredPeaks.layer),
  )
