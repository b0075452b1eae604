import { Layer } from "effect"
import * as AnswerCache from "./AnswerCache.ts"
import * as Connection from "./Connection.ts"
import * as RateLimits from "./RateLimits.ts"
import * as RealtimeCache from "./RealtimeCache.ts"

/** What a server caches and counts, shared by every process on one Redis, and the connection that it is reached by. */
export const layer = (options: Connection.Options) =>
  Layer.mergeAll(RealtimeCache.layer, AnswerCache.layer, RateLimits.layer).pipe(
    Layer.provideMerge(Connection.layer(options)),
  )
