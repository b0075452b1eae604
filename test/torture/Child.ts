import { execFileSync, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { build } from "esbuild"
import { Chunk, Effect, Stream } from "effect"
import { Spool } from "../../src/domain/ports/index.ts"
import { SqliteSpool } from "../../src/infra/sqlite/index.ts"
import { numbersOf } from "../infra/spools.ts"

export const bundle = `node_modules/.cache/torture-child-${process.pid}.mjs`

export const buildChild = () =>
  build({
    entryPoints: ["test/torture/spoolChild.ts"],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["better-sqlite3"],
    banner: { js: 'import { createRequire as c } from "node:module"; const require = c(import.meta.url);' },
    logLevel: "error",
  })

/** The faults of system calls are injected by strace; without it their tests are skipped. */
export const hasStrace = ((): boolean => {
  try {
    execFileSync("strace", ["-f", "-o", "/dev/null", "true"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})()

/** What has been said so far, over all processes: taken, stored by the server, refused by the disk. */
export interface Ledger {
  readonly taken: Set<number>
  readonly stored: Set<number>
  refusals: number
}
export const newLedger = (): Ledger => ({ taken: new Set(), stored: new Set(), refusals: 0 })

const note = (ledger: Ledger, line: string): void => {
  const [what, ...numbers] = line.split(" ")
  if (what === "refused") ledger.refusals += 1
  for (const n of numbers.filter((text) => text !== "").map(Number))
    (what === "T" ? ledger.taken : ledger.stored).add(n)
}

/** A child that breaks a promise, so that the checker is seen to find it: see spoolChild.ts. */
export type Control = "normal" | "early" | "deaf"

export interface Life {
  readonly filename: string
  readonly first: number
  readonly count: number
  readonly control?: Control
  /** Options of strace, where system calls are to fail or be recorded. */
  readonly strace?: ReadonlyArray<string>
  /** Killed after so many lines and milliseconds. */
  readonly killAfter?: { readonly lines: number; readonly ms: number }
}

export interface Death {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly said: string
}

/** Lets a process live until it ends or is killed; the ledger notes what it said until then. */
export const live = async (life: Life, ledger: Ledger): Promise<Death> => {
  const { control = "none", count, filename, first, killAfter, strace } = life
  const args = [bundle, filename, String(first), String(count), control]
  const child =
    strace === undefined
      ? spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
      : spawn("strace", ["-f", ...strace, process.execPath, ...args], {
          stdio: ["ignore", "pipe", "pipe"],
        })
  let said = ""
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise<Death>((resolve) =>
    child.on("close", (code, signal) => {
      resolve({ code, signal, said })
    }),
  )
  let lines = 0
  for await (const line of createInterface({ input: child.stdout })) {
    note(ledger, line)
    lines += 1
    if (killAfter !== undefined && lines === killAfter.lines) {
      setTimeout(() => child.kill("SIGKILL"), killAfter.ms)
    }
  }
  return ended
}

/** The numbers of all samples that a spool holds. */
export const remaining = (filename: string): Promise<ReadonlyArray<number>> =>
  Effect.flatMap(Spool, ({ samples }) => Stream.runCollect(samples)).pipe(
    Effect.map((rows) => numbersOf(Chunk.toReadonlyArray(rows))),
    Effect.provide(SqliteSpool.layer({ filename })),
    Effect.runPromise,
  )

/** What was taken and is neither with the server nor in the spool. */
export const missing = (ledger: Ledger, spooled: ReadonlyArray<number>): ReadonlyArray<number> => {
  const there = new Set(spooled)
  return [...ledger.taken].filter((n) => !ledger.stored.has(n) && !there.has(n))
}

/** What is in the spool and nobody took, but for the one sample that each death may have cut short. */
export const spurious = (ledger: Ledger, spooled: ReadonlyArray<number>, deaths: number): number =>
  Math.max(0, spooled.filter((n) => !ledger.taken.has(n)).length - deaths)
