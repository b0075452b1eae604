import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { buildChild, bundle, hasStrace, live, missing, newLedger, remaining } from "./Child.ts"
import { chance, firstSeed, seeds } from "./Seeds.ts"

const folder = mkdtempSync(join(tmpdir(), "disk-"))
let files = 0
const newFile = () => join(folder, `${++files}.sqlite`)
beforeAll(buildChild)
afterAll(() => {
  rmSync(folder, { recursive: true })
  rmSync(bundle, { force: true })
})

/** The disk is full from the nth write on, for so many writes. */
const fullFrom = (nth: number, writes: number): ReadonlyArray<string> => [
  ...["-o", "/dev/null", "-e", "trace=pwrite64"],
  ...["-e", `inject=pwrite64:error=ENOSPC:when=${nth}..${nth + writes}`],
]
const failingAt = (nth: number, trace: string): ReadonlyArray<string> => [
  ...["-y", "-o", trace, "-e", "trace=pwrite64,fsync,ftruncate,unlink"],
  ...["-e", `inject=fsync:error=EIO:when=${nth}`],
]

describe.runIf(hasStrace)("a full disk", () => {
  const all = seeds(3)

  it(
    `refuses samples, ends nothing, and takes them again when there is space (${all.length} seeds from ${firstSeed})`,
    { timeout: 60_000 + all.length * 20_000 },
    async () => {
      for (const seed of all) {
        const { below } = chance(seed)
        const from = 60 + below(200)
        const filename = newFile()
        const ledger = newLedger()
        const { code, said } = await live(
          { filename, first: 0, count: 120, strace: fullFrom(from, 10 + below(80)) },
          ledger,
        )
        expect([code, said], `seed ${seed}`).toEqual([0, ""])
        expect(ledger.refusals, `seed ${seed}`).toBeGreaterThan(0)
        expect(ledger.taken.size).toBe(120)
        expect(missing(ledger, await remaining(filename)), `seed ${seed}`).toEqual([])
      }
    },
  )

  it("is seen to lose samples where they are taken for kept all the same", { timeout: 60_000 }, async () => {
    const filename = newFile()
    const ledger = newLedger()
    await live({ filename, first: 0, count: 120, control: "deaf", strace: fullFrom(100, 30) }, ledger)
    expect(ledger.taken.size).toBe(120)
    expect(missing(ledger, await remaining(filename)).length).toBeGreaterThan(10)
  })
})

describe.runIf(hasStrace)("a disk that fails to sync", () => {
  const all = seeds(3)

  it(
    `ends the process in words, which touches the file no more and starts clean (${all.length} seeds from ${firstSeed})`,
    { timeout: 60_000 + all.length * 20_000 },
    async () => {
      for (const seed of all) {
        const nth = 12 + chance(seed).below(80)
        const filename = newFile()
        const trace = `${filename}.trace`
        const ledger = newLedger()
        const { code, said } = await live({ filename, first: 0, count: 200, strace: failingAt(nth, trace) }, ledger)
        expect(code, `seed ${seed}: ${said}`).toBe(1)
        expect(said).toContain("The disk failed under the spool")
        const calls = readFileSync(trace, "utf8")
          .split("\n")
          .filter((line) => line.includes(filename))
        expect(calls.at(-1), `seed ${seed}`).toContain("EIO")
        const again = await live({ filename, first: 1_000, count: 20 }, ledger)
        expect(again.code, again.said).toBe(0)
        expect(missing(ledger, await remaining(filename)), `seed ${seed}`).toEqual([])
      }
    },
  )

  it("is seen to lose samples where they are taken for kept all the same", { timeout: 60_000 }, async () => {
    const filename = newFile()
    const ledger = newLedger()
    await live({ filename, first: 0, count: 120, control: "deaf", strace: failingAt(30, `${filename}.trace`) }, ledger)
    expect(ledger.taken.size).toBe(120)
    expect(missing(ledger, await remaining(filename)).length).toBeGreaterThan(10)
  })
})
