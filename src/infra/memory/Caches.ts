import { Layer } from "effect"
import * as AnswerCache from "./AnswerCache.ts"
import * as RateLimits from "./RateLimits.ts"
import * as RealtimeCache from "./RealtimeCache.ts"

/** What a server caches and counts, in this process: for one server process only. */
export const layer = Layer.mergeAll(RealtimeCache.layer, AnswerCache.layer, RateLimits.layer)
