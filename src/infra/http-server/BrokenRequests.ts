import type { Server } from "node:http"
import type { Duplex } from "node:stream"

interface Reason {
  readonly status: number
  readonly title: string
  readonly detail: string
}

const malformed: Reason = { status: 400, title: "Bad Request", detail: "This is not a request of HTTP/1.1." }

const reasons: Readonly<Record<string, Reason>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    title: "Request Header Fields Too Large",
    detail: "The request's head is too large.",
  },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, title: "Request Timeout", detail: "The request did not arrive in time." },
}

const messageOf = ({ detail, status, title }: Reason): string => {
  const body = JSON.stringify({ type: "about:blank", title, status, detail })
  return [
    `HTTP/1.1 ${status} ${title}`,
    "connection: close",
    "content-type: application/problem+json",
    "cache-control: private, no-store",
    "x-content-type-options: nosniff",
    `content-length: ${Buffer.byteLength(body)}`,
    "",
    body,
  ].join("\r\n")
}

/** What node:http gives up on before a handler sees it is answered like every other failure, and cut. */
export const answerBrokenRequests = (server: Server): void => {
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === "ECONNRESET" || !socket.writable) socket.destroy()
    else socket.end(messageOf(reasons[error.code ?? ""] ?? malformed), () => socket.destroy())
  })
}
