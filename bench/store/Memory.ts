import { readFile, readdir } from "node:fs/promises"
import { SqlClient } from "@effect/sql"
import { Effect, Schema } from "effect"
import { line } from "../support/Report.ts"

const Backend = Schema.Tuple(Schema.Struct({ pid: Schema.Number, shared: Schema.Number }))

const parentOf = async (pid: number): Promise<number> =>
  Number(/^PPid:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, "utf8").catch(() => ""))?.[1])

/** What a process has in memory, what it shares counted in parts, MB. */
const proportionMb = async (pid: number): Promise<number> =>
  Number(/^Pss:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => ""))?.[1] ?? 0) / 1000

const serverMb = async (backend: number): Promise<number> => {
  const postmaster = await parentOf(backend)
  const pids = (await readdir("/proc")).map(Number).filter(Number.isInteger)
  const parents = await Promise.all(pids.map(parentOf))
  const own = [postmaster, ...pids.filter((_, i) => parents[i] === postmaster)]
  return (await Promise.all(own.map(proportionMb))).reduce((sum, mb) => sum + mb, 0)
}

/** What this program and the server's processes have in memory. Linux only: it reads /proc. */
export const memory = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`select pg_backend_pid() as pid, pg_size_bytes(current_setting('shared_buffers')) as shared`
  const [{ pid, shared }] = yield* Effect.orDie(Schema.decodeUnknown(Backend)(rows))
  const usedMb = yield* Effect.promise(() => serverMb(pid))
  yield* line({ name: "memory of PostgreSQL", value: usedMb, unit: `MB, of which at most ${shared / 2 ** 20} shared` })
  yield* line({ name: "memory of this program", value: process.memoryUsage().rss / 1e6, unit: "MB" })
})
