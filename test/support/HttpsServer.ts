import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"
import type { Leaf } from "../infra/certificates.ts"

/** A server that shows a certificate and answers every request with the same status. */
export const serving = ({ cert, key }: Leaf, status = 401) =>
  Effect.acquireRelease(
    Effect.async<{ readonly port: number; readonly requests: () => number; readonly close: () => void }>((resume) => {
      let requests = 0
      const server = createServer({ cert, key }, (request, response) => {
        requests += 1
        request.resume().on("end", () => response.writeHead(status).end())
      })
      server.listen(0, () =>
        resume(
          Effect.succeed({
            port: (server.address() as AddressInfo).port,
            requests: () => requests,
            close: () => {
              server.closeAllConnections()
              server.close()
            },
          }),
        ),
      )
    }),
    ({ close }) => Effect.sync(close),
  )
