import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { isLogDamaged } from "../../src/infra/sqlite/DamagedLog.ts"
import { buildChild, bundle, hasStrace, live, newLedger, remaining } from "./Child.ts"
import { type CrashState, type Luck, makeDisk } from "./PowerCut.ts"
import { chance, firstSeed, seeds, tortured } from "./Seeds.ts"
import { type Operation, parseTrace } from "./Trace.ts"

const folder = mkdtempSync(join(tmpdir(), "power-"))
const states = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "states-"))
beforeAll(buildChild)
afterAll(() => {
  rmSync(folder, { recursive: true })
  rmSync(states, { recursive: true })
  rmSync(bundle, { force: true })
})

const name = "spool.sqlite"
const samples = 60

/** All that one process did to its files, from the first to the last: opening, samples, uploads, the end. */
const record = async (control?: "normal" | "early"): Promise<ReadonlyArray<Operation>> => {
  const home = mkdtempSync(join(folder, "run-"))
  const trace = join(home, "trace")
  const calls = "trace=openat,pwrite64,fsync,fdatasync,ftruncate,unlink,write"
  const { code, said } = await live(
    {
      filename: join(home, name),
      first: 0,
      count: samples,
      strace: ["--seccomp-bpf", "-y", "-xx", "-s", "70000", "-o", trace, "-e", calls],
      ...(control && { control }),
    },
    newLedger(),
  )
  expect([code, said]).toEqual([0, ""])
  return parseTrace(readFileSync(trace, "latin1"), (file) => file.startsWith(name))
}

interface Verdict {
  readonly damaged: boolean
  readonly lost: number
}

/** What a process that starts now finds, beside what had been promised when the power was cut. */
const judge = (state: CrashState, promised: ReadonlySet<number>): Verdict => {
  const home = mkdtempSync(join(states, "s-"))
  try {
    for (const [file, content] of state) writeFileSync(join(home, file), content)
    const falseEnd = isLogDamaged(join(home, `${name}-wal`))
    const db = new Sqlite(join(home, name))
    try {
      db.pragma("locking_mode = EXCLUSIVE")
      const damaged = falseEnd || db.pragma("quick_check", { simple: true }) !== "ok"
      const tables = db.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'sample'").pluck().get()
      const rows = tables === 0 ? [] : db.prepare<[], number>("SELECT power_w - 1000 FROM sample").pluck().all()
      const there = new Set(rows)
      return { damaged, lost: [...promised].filter((n) => !there.has(n)).length }
    } finally {
      db.close()
    }
  } catch {
    return { damaged: true, lost: promised.size }
  } finally {
    rmSync(home, { recursive: true })
  }
}

const lucks: ReadonlyArray<Luck> = ["none", "some", "some", "all"]

/** Cuts the power after every operation, as often as it takes, with different luck. */
const cutEverywhere = (operations: ReadonlyArray<Operation>, seed: number, atLeast: number) => {
  const times = Math.ceil(atLeast / operations.filter(({ kind }) => kind !== "said").length)
  const random = chance(seed)
  const disk = makeDisk()
  const promised = new Set<number>()
  const sum = { states: 0, damaged: 0, losing: 0 }
  for (const operation of operations) {
    disk.give(operation)
    if (operation.kind === "said") {
      const [what, ...numbers] = operation.line.split(" ")
      for (const n of numbers.map(Number)) {
        if (what === "T") promised.add(n)
        else promised.delete(n)
      }
      continue
    }
    for (let i = 0; i < times; i++) {
      const luck = lucks[(sum.states + seed) % lucks.length] ?? "none"
      const { damaged, lost } = judge(disk.cut(luck, random), promised)
      sum.states += 1
      if (damaged) sum.damaged += 1
      if (lost > 0) sum.losing += 1
    }
  }
  return sum
}

describe.runIf(hasStrace)("a power cut", () => {
  const all = seeds(1, 0.05)

  it(
    `at any moment damages nothing and loses no sample (${all.length} seeds from ${firstSeed})`,
    { timeout: 120_000 + all.length * 120_000 },
    async () => {
      const operations = await record()
      expect(operations.filter(({ kind }) => kind === "sync").length).toBeGreaterThan(samples)
      for (const seed of all) {
        const { damaged, losing, states } = cutEverywhere(operations, seed, 2_000)
        if (tortured)
          process.stdout.write(`seed ${seed}: ${states} states, ${damaged} damaged, ${losing} that lost samples\n`)
        expect(states).toBeGreaterThanOrEqual(2_000)
        expect([damaged, losing]).toEqual([0, 0])
      }
    },
  )

  it("is seen to lose samples where a commit is not synced", { timeout: 120_000 }, async () => {
    const { damaged, losing } = cutEverywhere(await record("normal"), firstSeed, 1)
    expect(losing).toBeGreaterThan(20)
    // What was written later may be on the disk without it: that is no torn end.
    expect(damaged).toBeGreaterThan(0)
  })

  it("is seen to lose samples where they leave before the server has them", { timeout: 120_000 }, async () => {
    const { losing } = cutEverywhere(await record("early"), firstSeed, 1)
    expect(losing).toBeGreaterThan(0)
  })

  it("leaves a spool that a new process opens as it is", { timeout: 60_000 }, async () => {
    const operations = await record()
    const disk = makeDisk()
    const random = chance(firstSeed)
    const cuts = new Set(Array.from({ length: 10 }, () => random.below(operations.length)))
    for (const [i, operation] of operations.entries()) {
      disk.give(operation)
      if (!cuts.has(i)) continue
      const home = mkdtempSync(join(states, "open-"))
      for (const [file, content] of disk.cut("some", random)) writeFileSync(join(home, file), content)
      await remaining(join(home, name))
      expect(existsSync(join(home, name))).toBe(true)
    }
  })
})
