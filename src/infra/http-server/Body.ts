import { gunzip as nodeGunzip } from "node:zlib"
import { HttpServerRequest } from "@effect/platform"
import { NodeHttpServerRequest } from "@effect/platform-node"
import { Data, Effect } from "effect"

/** A body has more bytes than it may have. */
export class BodyTooLarge extends Data.TaggedError("BodyTooLarge")<{ readonly maxBytes: number }> {}

/** A body broke off, or is not what its encoding says. */
export class BodyBroken extends Data.TaggedError("BodyBroken")<{ readonly cause: unknown }> {}

/**
 * The bytes of the request's body. One that is too large is refused at once, and the rest of it is thrown away as it
 * comes, so that the client gets to read the answer.
 */
export const readBody = (
  maxBytes: number,
): Effect.Effect<Buffer, BodyTooLarge | BodyBroken, HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.async((resume) => {
      const source = NodeHttpServerRequest.toIncomingMessage(request)
      const chunks: Array<Buffer> = []
      let size = 0
      const stop = () => {
        source.off("data", onData).off("end", onEnd).off("error", onError).off("close", onClose)
        source.resume()
      }
      const finish = (result: Effect.Effect<Buffer, BodyTooLarge | BodyBroken>) => {
        stop()
        resume(result)
      }
      const onData = (chunk: Buffer) => {
        size += chunk.length
        if (size > maxBytes) return finish(Effect.fail(new BodyTooLarge({ maxBytes })))
        chunks.push(chunk)
      }
      const onEnd = () => finish(Effect.succeed(Buffer.concat(chunks, size)))
      const onError = (cause: Error) => finish(Effect.fail(new BodyBroken({ cause })))
      const onClose = () => finish(Effect.fail(new BodyBroken({ cause: "the connection was closed" })))
      source.on("data", onData).on("end", onEnd).on("error", onError).on("close", onClose)
      if (Number(request.headers["content-length"] ?? 0) > maxBytes) {
        finish(Effect.fail(new BodyTooLarge({ maxBytes })))
      }
      return Effect.sync(stop)
    }),
  )

const isTooLarge = (cause: Error): boolean => "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE"

/** The content of gzipped bytes, at most `maxBytes` of it; never more is unpacked. */
export const gunzip = (bytes: Buffer, maxBytes: number): Effect.Effect<Buffer, BodyTooLarge | BodyBroken> =>
  Effect.async((resume) => {
    nodeGunzip(bytes, { maxOutputLength: maxBytes }, (cause, content) => {
      if (cause === null) return resume(Effect.succeed(content))
      resume(Effect.fail(isTooLarge(cause) ? new BodyTooLarge({ maxBytes }) : new BodyBroken({ cause })))
    })
  })
