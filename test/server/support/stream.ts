import { Effect, Stream } from "effect"
import { expectContract } from "./Contract.ts"

export interface Event {
  readonly id: string
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

const fieldOf = (block: string, name: string): string =>
  block
    .split("\n")
    .find((line) => line.startsWith(`${name}: `))
    ?.slice(name.length + 2) ?? ""

const eventOf = (block: string): Event => ({
  id: fieldOf(block, "id"),
  event: fieldOf(block, "event"),
  data: JSON.parse(fieldOf(block, "data") || "{}") as Record<string, unknown>,
})

/** Opens a realtime stream as a browser's fetch does: its blocks, or of those the events; it is left when the scope ends. */
export const open = (url: string, token: string, headers: Record<string, string> = {}, query = "") =>
  Effect.gen(function* () {
    const controller = new AbortController()
    yield* Effect.addFinalizer(() => Effect.sync(() => controller.abort()))
    const response = yield* Effect.promise(() =>
      fetch(`${url}/v1/realtime/stream${query}`, {
        headers: { authorization: `Bearer ${token}`, ...headers },
        signal: controller.signal,
      }),
    )
    const contentType = response.headers.get("content-type")
    expectContract("GET", "/v1/realtime/stream", { status: response.status, contentType, text: "" })
    const blocks = Stream.fromReadableStream(
      () => response.body ?? new ReadableStream(),
      (cause) => cause,
    ).pipe(
      Stream.orDie,
      Stream.decodeText(),
      Stream.mapAccum("", (rest, text) => {
        const blocks = (rest + text).split("\n\n")
        return [blocks.pop() ?? "", blocks]
      }),
      Stream.mapConcat((blocks) => blocks),
    )
    const events = Stream.map(
      Stream.filter(blocks, (block) => block.includes("event: ")),
      eventOf,
    )
    return { response, blocks, events }
  })
