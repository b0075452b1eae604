import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { buildChild, bundle, hasStrace, type Life, live, missing, newLedger, remaining, spurious } from "./Child.ts"
import { chance, firstSeed, seeds, tortured } from "./Seeds.ts"

const folder = mkdtempSync(join(tmpdir(), "kills-"))
let files = 0
const newFile = () => join(folder, `${++files}.sqlite`)
beforeAll(buildChild)
afterAll(() => {
  rmSync(folder, { recursive: true })
  rmSync(bundle, { force: true })
})

const tell = (text: string): void => {
  if (tortured) process.stdout.write(`${text}\n`)
}

/** Lives one after another on one spool; numbers of samples never meet. */
const lives = async (filename: string, all: ReadonlyArray<Partial<Life>>) => {
  const ledger = newLedger()
  const deaths = []
  for (const [i, life] of all.entries()) {
    deaths.push(await live({ filename, first: i * 10_000, count: 40, ...life }, ledger))
  }
  return { ledger, deaths, spooled: await remaining(filename) }
}

describe("kill -9", () => {
  const all = seeds(10)

  it(
    `at ${all.length} random points from seed ${firstSeed} loses nothing`,
    { timeout: 60_000 + all.length * 5_000 },
    async () => {
      const kills = all.map((seed) => {
        const { below } = chance(seed)
        return { count: 10_000, killAfter: { lines: 1 + below(60), ms: below(4) } }
      })
      const { deaths, ledger, spooled } = await lives(newFile(), kills)
      tell(
        `${all.length} kills: ${ledger.taken.size} taken, ${ledger.stored.size} with the server, ${spooled.length} spooled`,
      )
      expect(deaths.every(({ signal }) => signal === "SIGKILL")).toBe(true)
      expect(ledger.taken.size).toBeGreaterThan(all.length * 5)
      expect(missing(ledger, spooled)).toEqual([])
      expect(spurious(ledger, spooled, all.length)).toBe(0)
      expect(new Set(spooled).size).toBe(spooled.length)
    },
  )

  it.runIf(hasStrace)(
    "at each kind of write to the disk loses nothing",
    { timeout: 60_000 + all.length * 6_000 },
    async () => {
      // Each process dies at the nth call; the counts go through the opening, samples, uploads and the end.
      const points = all.map((_, i) => {
        const call = i % 3 === 2 ? "fsync" : "pwrite64"
        const nth = tortured ? 1 + Math.floor(i / 3) * (call === "fsync" ? 1 : 2) + (i % 3) : 2 + i * 7
        return { strace: ["-o", "/dev/null", "-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${nth}`] }
      })
      const { deaths, ledger, spooled } = await lives(newFile(), points)
      tell(
        `${all.length} system calls: ${deaths.filter(({ code }) => code !== 0).length} deaths, ${ledger.taken.size} taken`,
      )
      expect(deaths.filter(({ code }) => code !== 0).length).toBeGreaterThan(all.length / 2)
      expect(missing(ledger, spooled)).toEqual([])
      expect(spurious(ledger, spooled, all.length)).toBe(0)
    },
  )

  it("is seen to lose samples where they leave before the server has them", { timeout: 120_000 }, async () => {
    const kills = Array.from({ length: 60 }, (_, i) => i)
    const filename = newFile()
    const ledger = newLedger()
    for (const i of kills) {
      // Between an upload's leaving and the server: the line before it is `T` of a fifth sample.
      await live(
        { filename, first: i * 10_000, count: 10_000, control: "early", killAfter: { lines: 2 + i, ms: 0 } },
        ledger,
      )
      if (missing(ledger, await remaining(filename)).length > 0) return
    }
    expect.fail("no sample was lost")
  })

  it(
    "frees the spool, which refuses a second process as long as the first one lives",
    { timeout: 60_000 },
    async () => {
      const filename = newFile()
      const ledger = newLedger()
      const first = live({ filename, first: 0, count: 100_000, killAfter: { lines: 40, ms: 3_000 } }, ledger)
      while (ledger.taken.size === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      const second = await live({ filename, first: 500_000, count: 5 }, newLedger())
      expect(second.code).toBe(1)
      expect(second.said).toMatch(/is in use by another process \(\d+\): stop that one/)
      expect((await first).signal).toBe("SIGKILL")
      const third = newLedger()
      expect((await live({ filename, first: 600_000, count: 5 }, third)).code).toBe(0)
      expect(third.taken.size).toBe(5)
      expect(existsSync(filename)).toBe(true)
    },
  )
})
