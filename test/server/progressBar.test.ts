import { afterEach, describe, expect, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { progressBar } from "../../src/server/commands/ProgressBar.ts"

const onTerminal = (isTty: boolean) => {
  const written: Array<string> = []
  vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0)
  const before = process.stderr.isTTY
  process.stderr.isTTY = isTty
  return { written, restore: () => void (process.stderr.isTTY = before) }
}

const show = (total: number, wanted: boolean, steps: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const bar = yield* progressBar(total, wanted)
    yield* Effect.forEach(steps, bar.show)
    yield* bar.clear
  })

describe("the bar of an import", () => {
  afterEach(() => void vi.restoreAllMocks())

  it.effect("fills on a terminal, over itself, and is gone at the end", () =>
    Effect.gen(function* () {
      const { restore, written } = onTerminal(true)
      yield* Effect.ensuring(show(3_000, true, [1_000, 3_000]), Effect.sync(restore))
      expect(written).toEqual([
        `\r[${"#".repeat(10)}${".".repeat(20)}] 1000 of 3000 quarter-hours`,
        `\r[${"#".repeat(30)}] 3000 of 3000 quarter-hours`,
        "\r\u001b[2K",
      ])
    }),
  )

  it.effect("says nothing into a file, nor beside JSON", () =>
    Effect.gen(function* () {
      const file = onTerminal(false)
      yield* Effect.ensuring(show(10, true, [5]), Effect.sync(file.restore))
      const terminal = onTerminal(true)
      yield* Effect.ensuring(show(10, false, [5]), Effect.sync(terminal.restore))
      expect([...file.written, ...terminal.written]).toEqual([])
    }),
  )
})
