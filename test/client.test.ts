import { execFile } from "node:child_process"
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { promisify } from "node:util"
import { expect, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { layerServer, memoryPorts, Running, send } from "./server/support/server.ts"
import { temporaryFolder } from "./support/TemporaryFolder.ts"

const run = promisify(execFile)
const typescript = resolve("node_modules/typescript/bin/tsc")

const program = `
import { FetchHttpClient } from "@effect/platform"
import { Effect } from "effect"
import { connect, make, NotFound } from "p1-energy/client"

const options = { url: process.env["P1_URL"] ?? "", token: process.env["P1_TOKEN"] ?? "" }
const p1 = connect(options)
const now = await p1.realtime.latest()
const watts: number = now.powerW
const day = await p1.history.series({ frame: "day" })
const refused = await p1.capacity.month({ month: "2020-01" }).then(String, (error: unknown) => error)
if (!(refused instanceof NotFound)) throw new Error("expected NotFound")
const names = Effect.gen(function* () {
  const client = yield* make(options)
  const { devices } = yield* client.devices.list()
  return devices.map(({ name }) => name)
}).pipe(Effect.catchTag("Unauthorized", ({ status }) => Effect.succeed([String(status)])))
console.log(JSON.stringify([
  watts, day.frame, refused.status, refused.detail,
  await Effect.runPromise(Effect.provide(names, FetchHttpClient.layer)),
]))
`

const tsconfig = {
  compilerOptions: {
    module: "NodeNext",
    target: "ES2022",
    strict: true,
    skipLibCheck: true,
    types: ["node"],
    outDir: "out",
    rootDir: ".",
  },
  files: ["use.ts", "readme.ts"],
}

/** The README's example, asking the server at `url`. */
const readmeExample = async (url: string): Promise<string> => {
  const [, example] = /```ts\n([^`]*p1-energy\/client[^]*?)```/.exec(await readFile("README.md", "utf8")) ?? []
  return (example ?? "").replace("https://your.domain", url)
}

/** The package as npm packs it, unpacked beside the libraries it names, in a project of somebody else. */
const project = Effect.fnUntraced(function* (url: string) {
  const folder = yield* temporaryFolder
  const modules = join(folder, "node_modules")
  yield* Effect.promise(async () => {
    await mkdir(join(modules, "p1-energy"), { recursive: true })
    await run(process.execPath, [typescript, "-p", "tsconfig.client.json"])
    const { stdout } = await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder])
    const archive = join(folder, stdout.trim().split("\n").at(-1) ?? "")
    await run("tar", ["-xzf", archive, "--strip-components=1", "-C", join(modules, "p1-energy")])
    for (const library of ["effect", "@effect", "@types"]) {
      await symlink(resolve("node_modules", library), join(modules, library))
    }
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }))
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(tsconfig))
    await writeFile(join(folder, "use.ts"), program)
    await writeFile(join(folder, "readme.ts"), await readmeExample(url))
  })
  return folder
})

it.scopedLive(
  "the client works from outside, typed, with promises and with effects",
  () =>
    Effect.gen(function* () {
      const { home, homeReader, url } = yield* Running
      const now = new Date(yield* Clock.currentTimeMillis).toISOString()
      yield* send(home, { samples: [{ ts: now, power_w: 2174 }] })
      const folder = yield* project(url)
      const compiled = yield* Effect.promise(() =>
        run(process.execPath, [typescript], { cwd: folder }).then(
          () => "",
          (error: { readonly stdout: string }) => error.stdout,
        ),
      )
      expect(compiled).toBe("")
      const { stdout } = yield* Effect.promise(() =>
        run(process.execPath, ["out/use.js"], { cwd: folder, env: { P1_URL: url, P1_TOKEN: homeReader } }),
      )
      const readme = yield* Effect.promise(() =>
        run(process.execPath, ["out/readme.js"], { cwd: folder, env: { TOKEN: homeReader } }),
      )
      expect(readme.stdout).toMatch(/^2174 W, and \d+ W to spare until \d{4}-\S+Z\n/)
      expect(JSON.parse(stdout)).toEqual([2174, "day", 404, expect.stringMatching(/^[A-Z].*\.$/), ["Home"]])
    }).pipe(Effect.provide(layerServer(memoryPorts))),
  120_000,
)
