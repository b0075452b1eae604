import { Layer } from "effect"
import * as AnswerCache from "./AnswerCache.ts"
import * as RealtimeCache from "./RealtimeCache.ts"

/** What a server caches, in this process: for one server process only. */
export const layer = Layer.merge(RealtimeCache.layer, AnswerCache.layer)
