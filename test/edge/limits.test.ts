import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Redacted, TestClock } from "effect"
import { makeUploadOnce } from "../../src/edge/index.ts"
import { InternetClient } from "../../src/infra/http-client/index.ts"
import { faultProxy } from "../support/FaultProxy.ts"
import { fullBacklog } from "../support/FullBacklog.ts"
import { edgeInMemory, spoolSamples, stubServer, waiting } from "./support/edge.ts"

const token = Effect.succeed(Redacted.make("p1d_secret"))

/** Why an upload failed, how long it took to, and what is left in the spool. */
const upload = (url: string, timeout?: Duration.DurationInput) =>
  Effect.gen(function* () {
    yield* spoolSamples(2)
    const { uploadOldest } = yield* makeUploadOnce({ url, token, ...(timeout && { timeout }) })
    const [took, failure] = yield* Effect.timed(Effect.flip(uploadOldest))
    return { seconds: Duration.toSeconds(took), failure, left: yield* waiting }
  })
const throughTheNetwork = Effect.provide([edgeInMemory, InternetClient.layer])

/** A server that begins to reply and never comes to an end, a byte each tenth of a second. */
const trickling = Effect.acquireRelease(
  Effect.async<{ readonly url: string; readonly close: () => void }>((resume) => {
    const server = createServer((request, response) => {
      request.resume()
      response.writeHead(200, { "content-type": "application/json" }).write("{")
      const trickle = setInterval(() => response.write(" "), 100)
      response.on("close", () => clearInterval(trickle))
    }).listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      const close = () => {
        server.closeAllConnections()
        server.close()
      }
      resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, close }))
    })
  }),
  ({ close }) => Effect.sync(close),
)

describe("an upload ends in time", () => {
  const atFive = expect.toSatisfy((seconds: number) => seconds > 4 && seconds < 12)

  it.scopedLive("after 5 s where nobody answers the first packet", () =>
    Effect.gen(function* () {
      const { failure, left, seconds } = yield* upload(`http://127.0.0.1:${yield* fullBacklog}`)
      expect(failure).toMatchObject({ kind: "Transient", message: expect.stringContaining("within 5 seconds") })
      expect([seconds, left]).toEqual([atFive, 2])
    }).pipe(throughTheNetwork),
  )

  it.scopedLive("after 5 s where the TLS handshake goes into a black hole", () =>
    Effect.gen(function* () {
      const { url } = yield* trickling
      const proxy = yield* faultProxy(Number(new URL(url).port))
      yield* proxy.set({ blackHole: true })
      const { failure, left, seconds } = yield* upload(`https://127.0.0.1:${proxy.port}`)
      expect(failure).toMatchObject({ kind: "Transient", message: expect.stringContaining("within 5 seconds") })
      expect([seconds, left]).toEqual([atFive, 2])
    }).pipe(throughTheNetwork),
  )

  it.scopedLive("as a whole, also where a reply has begun and trickles on", () =>
    Effect.gen(function* () {
      const { url } = yield* trickling
      const { failure, left } = yield* upload(url, "1 second")
      expect(failure).toMatchObject({ kind: "TimedOut", message: "The server did not answer within 1s" })
      expect(left).toBe(2)
    }).pipe(throughTheNetwork),
  )

  it.effect("after 30 s unless told otherwise, what is left of a reply included", () =>
    Effect.gen(function* () {
      const endless = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("{")) })
      const server = stubServer(() => Effect.as(Effect.sleep("20 seconds"), new Response(endless)))
      const running = yield* Effect.fork(Effect.provide(upload("https://p1.example.org"), server.layer))
      yield* Effect.repeatN(TestClock.adjust("1 second"), 28)
      expect(running.unsafePoll()).toBe(null)
      yield* Effect.repeatN(TestClock.adjust("1 second"), 1)
      const { failure, left } = yield* running
      expect(failure).toMatchObject({ kind: "TimedOut" })
      expect(left).toBe(2)
    }).pipe(Effect.provide(edgeInMemory)),
  )
})
