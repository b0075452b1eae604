import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import { fillSpool } from "../../bench/support/Backlog.ts"
import { Spool } from "../../src/domain/ports/index.ts"
import { SqliteSpool } from "../../src/infra/sqlite/index.ts"
import { fullSample } from "../support/Samples.ts"

const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "bound-"))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const startMs = Date.parse("2026-07-15T10:00:00Z")
const maxBytes = 32_000_000
/** Half of so small a bound is kept for the log. */
const forTheFile = maxBytes / 2
/** So many samples as good as fill it. */
const atTheBound = 34_500
/** The size is looked at every 30 s: a page for each sample is more than comes in between. */
const betweenLooks = 30 * 4_096
const minutes = 20

it.effect(
  "takes no more of the disk than its bound, log and all, while samples come and none leaves",
  () =>
    Effect.gen(function* () {
      const filename = join(folder, "spool.sqlite")
      const layer = SqliteSpool.layer({ filename, maxBytes, minFreeBytes: 0 })
      const append = (n: number) => Effect.flatMap(Spool, (spool) => spool.append(fullSample(startMs + n * 1000), null))
      yield* Effect.provide(append(0), layer)
      fillSpool(filename, atTheBound)

      const sizes: Array<{ readonly file: number; readonly log: number }> = []
      const status = yield* Effect.provide(
        Effect.gen(function* () {
          for (let n = 1; n <= minutes * 60; n++) {
            yield* append(n)
            if (n % 30 === 0) yield* TestClock.adjust("30 seconds")
            sizes.push({ file: statSync(filename).size, log: statSync(`${filename}-wal`).size })
          }
          return yield* Effect.flatMap(Spool, (spool) => spool.status)
        }),
        layer,
      )

      const largest = Math.max(...sizes.map(({ file }) => file))
      expect(status.thinned.toTenSeconds).toBeGreaterThan(0)
      expect(largest).toBeGreaterThan(0.95 * forTheFile)
      expect(largest).toBeLessThanOrEqual(forTheFile + betweenLooks)
      expect(Math.max(...sizes.map(({ file, log }) => file + log))).toBeLessThanOrEqual(maxBytes)
    }),
  60_000,
)
