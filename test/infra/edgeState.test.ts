import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Layer, Option } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { EdgeState } from "../../src/domain/ports/index.ts"
import { MemoryEdgeState } from "../../src/infra/memory/index.ts"
import type { StartupError } from "../../src/infra/process/index.ts"
import { SqliteSpool } from "../../src/infra/sqlite/index.ts"

const folder = mkdtempSync(join(tmpdir(), "edge-state-"))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
let files = 0
const newFile = () => join(folder, `${++files}.sqlite`)

const use = <A, E>(
  layer: Layer.Layer<EdgeState, StartupError>,
  program: (state: typeof EdgeState.Service) => Effect.Effect<A, E>,
) => Effect.runPromise(Effect.provide(Effect.flatMap(EdgeState, program), layer))

describe.each([
  ["in memory", () => MemoryEdgeState.layer],
  ["in the spool's file", () => SqliteSpool.layer({ filename: newFile() })],
] as const)("what the edge remembers %s", (_, layer) => {
  it("is nothing at first", async () => {
    expect(await use(layer(), (state) => state.get("meter-key"))).toEqual(Option.none())
  })

  it("is the last value of each key, to the letter", async () => {
    const seen = await use(layer(), (state) =>
      Effect.gen(function* () {
        yield* state.set("meter-key", "first")
        yield* state.set("serial", `it's "5c2f" €\n`)
        yield* state.set("meter-key", "")
        return yield* Effect.all([state.get("meter-key"), state.get("serial"), state.get("Serial")])
      }),
    )
    expect(seen).toEqual([Option.some(""), Option.some(`it's "5c2f" €\n`), Option.none()])
  })
})

describe("what the edge remembers in the spool's file", () => {
  it("is there after it was opened again", async () => {
    const filename = newFile()
    await use(SqliteSpool.layer({ filename }), (state) => state.set("meter-key", "pinned"))
    expect(await use(SqliteSpool.layer({ filename }), (state) => state.get("meter-key"))).toEqual(Option.some("pinned"))
  })
})
