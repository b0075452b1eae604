import { Layer } from "effect"
import * as AnswerCache from "./AnswerCache.ts"
import * as Connection from "./Connection.ts"
import * as RealtimeCache from "./RealtimeCache.ts"

/** What a server caches, shared by every process on one Redis, and the connection that it is reached by. */
export const layer = (options: Connection.Options) =>
  Layer.merge(RealtimeCache.layer, AnswerCache.layer).pipe(Layer.provideMerge(Connection.layer(options)))
