import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Context, Data, Effect, FastCheck as fc, Layer } from "effect"
import { Store } from "../../../src/domain/ports/index.ts"
import { breachOf } from "../support/Contract.ts"
import { memoryPorts, Running } from "../support/server.ts"
import { type FuzzRequest, requests } from "./Requests.ts"

export interface FuzzOptions {
  readonly seed: number
  readonly count: number
}

const blockSize = 200
const concurrency = 16
const storedAtMost = 400

/** A store that stops growing, so that what still grows is a leak. */
export const boundedPorts = Layer.map(memoryPorts, (ports) => {
  const store = Context.get(ports, Store)
  let stored = 0
  return Context.add(ports, Store, {
    ...store,
    ingest: (deviceId, batch) =>
      stored++ < storedAtMost
        ? store.ingest(deviceId, batch)
        : Effect.succeed({
            inserted: 0,
            duplicates: batch.samples.length,
            conflicts: 0,
            expired: [],
            revision: storedAtMost,
          }),
  })
})

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void
const heapBytes = Effect.map(Effect.yieldNow().pipe(Effect.zipRight(Effect.sleep("100 millis"))), () => {
  collect()
  return process.memoryUsage().heapUsed
})

/** What is wrong with the reply to a request; nothing when it is as documented. */
const tryOut = (url: string, { body, headers, method, path }: FuzzRequest) =>
  Effect.promise(async (): Promise<{ readonly status: number; readonly breach: string | undefined }> => {
    const aborted = new AbortController()
    const init = { method, headers, signal: aborted.signal }
    const response = await fetch(url + path, body === undefined ? init : { ...init, body })
    const { status } = response
    const contentType = response.headers.get("content-type")
    if (contentType?.startsWith("text/event-stream")) {
      aborted.abort()
      return { status, breach: undefined }
    }
    const breach = breachOf(method, path, { status, contentType, text: await response.text() })
    return { status, breach: status >= 500 ? `${method} ${path} → ${status}` : breach }
  })

class Undocumented extends Data.TaggedError("Undocumented")<{ readonly message: string }> {}

const shown = ({ body, headers, method, path }: FuzzRequest): string =>
  `${method} ${path.slice(0, 300)} ${JSON.stringify(headers)} ${String(body).slice(0, 1_000)}`

/** Sends requests made from a seed, and counts the statuses; fails with the first request whose reply is not documented. */
export const fuzz = ({ count, seed }: FuzzOptions) =>
  Effect.gen(function* () {
    const running = yield* Running
    const made = requests(running)
    const statuses = new Map<number, number>()
    const blocks = Math.ceil(count / blockSize)
    let warmBytes = 0
    for (let block = 0; block < blocks; block++) {
      const sample = fc.sample(made, { seed: seed + block, numRuns: Math.min(blockSize, count - block * blockSize) })
      yield* Effect.forEach(
        sample,
        (request) =>
          Effect.flatMap(tryOut(running.url, request), ({ breach, status }) => {
            statuses.set(status, (statuses.get(status) ?? 0) + 1)
            return breach === undefined
              ? Effect.void
              : new Undocumented({ message: `seed ${seed + block}: ${breach.slice(0, 1_000)}\n${shown(request)}` })
          }),
        { concurrency, discard: true },
      )
      if (block === Math.floor(blocks / 4)) warmBytes = yield* heapBytes
    }
    const grownBytes = (yield* heapBytes) - warmBytes
    return { statuses: Object.fromEntries([...statuses].sort(([a], [b]) => a - b)), grownBytes }
  })
