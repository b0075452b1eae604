import { execFile } from "node:child_process"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { build } from "esbuild"
import { afterAll, beforeAll, expect, it } from "vitest"

let folder = ""
let program = ""

beforeAll(async () => {
  const cache = join(process.cwd(), "node_modules", ".cache")
  await mkdir(cache, { recursive: true })
  folder = await mkdtemp(join(cache, "p1-api-test-"))
  program = join(folder, "p1-api.mjs")
  await build({
    entryPoints: ["src/server/main.ts"],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
    external: ["pg-native"],
    banner: {
      js: 'import { createRequire as bundled } from "node:module"; const require = bundled(import.meta.url);',
    },
  })
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const run = (args: ReadonlyArray<string>, env: Record<string, string>) =>
  new Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>((resolve) => {
    const options = { env: { PATH: process.env["PATH"] ?? "", DATA_DIR: join(folder, "data"), ...env } }
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr })
    })
  })

it.each([
  ["DATABASE_URL", "https://user:hunter2@example.org/p1"],
  ["DATABASE_URL", "nonsense hunter2"],
  ["REDIS_URL", "http://user:hunter2@example.org"],
  ["PORT", "99999"],
  ["PORT", "http"],
  ["LOG_LEVEL", "loud"],
  ["LOG_FORMAT", "xml"],
])("a malformed %s (%s) is one line that names it, without its secret", async (name, value) => {
  const { code, stderr, stdout } = await run([], { [name]: value })
  expect(code).toBe(1)
  expect(stdout).toBe("")
  expect(stderr.trim().split("\n")).toHaveLength(1)
  expect(stderr).toContain(`${name}: `)
  expect(stderr).not.toContain("hunter2")
})

it.each([
  ["sing"],
  ["devices add"],
  ["devices add Home --zone Mars/Olympus"],
  ["devices add Home --colour red"],
  ["tokens add"],
  ["tokens add --read NO"],
])("p1-api %s is refused in one line", async (args) => {
  const { code, stderr, stdout } = await run(args.split(" "), {})
  expect(code).toBe(1)
  expect(stdout).toBe("")
  expect(stderr.trim().split("\n")).toHaveLength(1)
})

it("a variable may be in the file that its name with _FILE gives", async () => {
  const file = join(folder, "database-url")
  await writeFile(file, "nonsense hunter2\n")
  const given = await run([], { DATABASE_URL_FILE: file })
  expect(given.stderr).toContain("DATABASE_URL: expected postgres://")
  expect(given.stderr).not.toContain("hunter2")
  const lost = await run([], { DATABASE_URL_FILE: join(folder, "nowhere") })
  expect(lost.code).toBe(1)
  expect(lost.stderr).toContain("DATABASE_URL_FILE: ")
})

it("a variable that is empty is one that is not set", async () => {
  const { code, stderr } = await run(["health"], { PORT: " " })
  expect(code).toBe(1)
  expect(stderr).toContain("http://127.0.0.1:8080 is not ready")
})
