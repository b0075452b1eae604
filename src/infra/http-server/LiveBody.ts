import { Readable } from "node:stream"

/** A reply that goes on for as long as there is news. */
export interface LiveBody {
  readonly readable: Readable
  /** Goes out as soon as the client takes it. What a client has not taken when the next comes, it misses. */
  readonly send: (bytes: Buffer) => void
  /** Goes out if the client has taken everything before it. */
  readonly sendIfIdle: (bytes: Buffer) => void
  readonly end: () => void
}

/** A body that keeps one piece at most for a client that is slow, beside what the connection itself holds. */
export const makeLiveBody = (): LiveBody => {
  let wanted = false
  let ended = false
  let kept: Buffer | undefined
  const readable = new Readable({
    highWaterMark: 1,
    read: () => {
      const next = kept
      kept = undefined
      if (ended) return
      if (next === undefined) wanted = true
      else readable.push(next)
    },
  })
  const send = (bytes: Buffer) => {
    if (ended) return
    if (!wanted) kept = bytes
    else {
      wanted = false
      readable.push(bytes)
    }
  }
  return {
    readable,
    send,
    sendIfIdle: (bytes) => {
      if (wanted) send(bytes)
    },
    end: () => {
      if (ended) return
      ended = true
      if (kept !== undefined) readable.push(kept)
      readable.push(null)
    },
  }
}
