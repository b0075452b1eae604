import { existsSync } from "node:fs"
import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Redacted } from "effect"
import { EmbeddedPostgres } from "../src/infra/embedded-postgres/index.ts"
import { serveBareBatches } from "./support/Bare.ts"
import { type BareEdge, runBareEdge } from "./support/BareEdge.ts"
import { measureCommits } from "./support/EdgeCommits.ts"
import { measureDrain } from "./support/EdgeDrain.ts"
import { measureJitter } from "./support/EdgeJitter.ts"
import { measureSteady } from "./support/EdgeSteady.ts"
import { section } from "./support/Report.ts"

// BENCH_DAYS: samples of so many days wait before the drain (30 unless given). BENCH_STEADY_S: how long it is watched,
// whole minutes, since what was uploaded leaves the spool once a minute.
const days = Number(process.env["BENCH_DAYS"] ?? 30)
const steadyS = Number(process.env["BENCH_STEADY_S"] ?? 120)

const folder = Effect.acquireRelease(
  Effect.promise(async () => {
    const path = await mkdtemp(join(tmpdir(), "p1-bench-"))
    await chmod(path, 0o711)
    return path
  }),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true })),
)

const postgres = (dataDir: string) =>
  Effect.map(
    EmbeddedPostgres.start({
      dataDir,
      binDir: ["15", "16", "17", "18"].map((version) => `/usr/lib/postgresql/${version}/bin`).find(existsSync),
      sharedDir: join(dataDir, "shared"),
      settings: {},
    }),
    ({ url }) => Redacted.value(url),
  )

const bench = Effect.scoped(
  Effect.gen(function* () {
    const path = yield* folder
    yield* section("edge: what a commit costs")
    yield* measureCommits(join(path, "commits"))
    if (steadyS > 0) {
      yield* section("edge: how evenly it asks")
      yield* measureJitter(join(path, "jitter"), steadyS)
      yield* section("edge: steady at 1 Hz")
      yield* measureSteady(join(path, "steady"), steadyS)
    }
    yield* section(`edge: ${days} days wait, the server is on the same machine`)
    yield* measureDrain({
      folder: join(path, "drain"),
      samples: Math.round(days * 86_400),
      databaseUrl: yield* postgres(join(path, "postgres")),
    })
    yield* Console.log("")
  }),
)

const [, , part, settings = ""] = process.argv
if (part === "bare") serveBareBatches()
else if (part === "bare-edge") runBareEdge(JSON.parse(settings) as BareEdge)
else NodeRuntime.runMain(bench)
