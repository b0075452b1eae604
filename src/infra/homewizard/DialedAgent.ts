import { Agent, type RequestOptions } from "node:https"
import { Duplex } from "node:stream"
import type { TLSSocket } from "node:tls"
import { NodeHttpClient } from "@effect/platform-node"
import { Cause, Effect, Exit, Option, Runtime } from "effect"
import type { MeterError } from "../../domain/ports/index.ts"
import { unreachable } from "./Dialer.ts"

/** Node's HTTP client over connections that are dialed: it knows nothing of where the meter is. */
export const dialedAgent = (address: string, dial: Effect.Effect<TLSSocket, MeterError>) =>
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime()
    class DialedAgent extends Agent {
      override createConnection(_: RequestOptions, created: (error: Error | null, socket: Duplex) => void): undefined {
        Runtime.runCallback(runtime)(dial, {
          onExit: Exit.match({
            onSuccess: (socket) => created(null, socket),
            onFailure: (cause) =>
              created(
                Option.getOrElse(Cause.failureOption(cause), () => unreachable(address, undefined)),
                new Duplex(),
              ),
          }),
        })
      }
    }
    const https = yield* Effect.acquireRelease(
      Effect.sync(() => new DialedAgent({ keepAlive: true, maxSockets: 1 })),
      (agent) => Effect.sync(() => agent.destroy()),
    )
    return { ...(yield* NodeHttpClient.makeAgent()), https }
  })
