import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { DateTime, Effect, Redacted, Schema } from "effect"
import { type Leaf, makeAuthority, makeLeaf } from "../infra/certificates.ts"
import { freshDatabase } from "../support/Database.ts"
import { serving } from "../support/HttpsServer.ts"
import { run } from "../support/Programs.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"

const Findings = Schema.parseJson(
  Schema.Array(Schema.Struct({ name: Schema.String, ok: Schema.Boolean, said: Schema.String })),
)

it.scopedLive(
  "p1-api doctor says what is right, what is not, and what to do about it",
  () =>
    Effect.gen(function* () {
      const env = { DATABASE_URL: Redacted.value(yield* freshDatabase), LOG_LEVEL: "error" }
      const look = (more: Readonly<Record<string, string>> = {}) =>
        Effect.gen(function* () {
          const { code, said } = yield* run("p1-api", { ...env, ...more }, ["doctor", "--json"])
          const findings = yield* Schema.decode(Findings)(/\[\{.*\}\]/.exec(said)?.[0] ?? said)
          return { code, findings: Object.fromEntries(findings.map(({ name, ok, said }) => [name, `${ok} ${said}`])) }
        })

      const empty = yield* look()
      expect(empty.code).toBe(1)
      expect(empty.findings).toMatchObject({
        database: expect.stringMatching(/^true PostgreSQL \d+/),
        cache: "true in memory",
        upkeep: expect.stringMatching(/^true [\d.]+ MB in all, /),
        tokens: "false No device is registered: p1-api devices add NAME.",
      })
      expect(empty.findings).not.toHaveProperty("public name")

      yield* run("p1-api", env, ["devices", "add", "Home"])
      yield* run("p1-api", env, ["tokens", "add", "--read", "home"])
      const good = yield* look()
      expect(good).toMatchObject({
        code: 0,
        findings: { tokens: "true 2 active, for 1 device", devices: "true home has sent nothing yet" },
      })

      const alone = yield* look({ REDIS_URL: "redis://127.0.0.1:1", PUBLIC_URL: "https://127.0.0.1:1" })
      expect(alone).toMatchObject({
        code: 1,
        findings: {
          cache: expect.stringMatching(/^false .*correct REDIS_URL/),
          "public name": "false 127.0.0.1:1: nothing answers there: start Caddy, and open its port.",
        },
      })

      const embedded = yield* run("p1-api", { DATA_DIR: yield* temporaryFolder, LOG_LEVEL: "error" }, ["doctor"])
      expect(embedded.said).toMatch(/^(ok|FAILED) +disk +.* free in /m)

      const authority = makeAuthority("Home CA")
      const caFile = join(yield* temporaryFolder, "ca.pem")
      yield* Effect.promise(() => writeFile(caFile, authority.pem))
      const publicName = (leaf: Leaf, status = 200) =>
        Effect.gen(function* () {
          const { port } = yield* serving(leaf, status)
          const { findings } = yield* look({ PUBLIC_URL: `https://localhost:${port}`, NODE_EXTRA_CA_CERTS: caFile })
          return findings["public name"]
        })
      expect(yield* publicName(makeLeaf(authority, "localhost"))).toMatch(/^true .* valid for \d+d/)
      expect(yield* publicName(makeLeaf(authority, "localhost"), 502)).toMatch(
        /^false .* answers 502: see whether Caddy/,
      )
      expect(yield* publicName(makeLeaf(authority, "elsewhere.example"))).toMatch(
        /^false .* for another name: set DOMAIN/,
      )
      const inAWeek = (yield* DateTime.now).pipe(DateTime.add({ days: 7 }), DateTime.formatIso)
      const ending = makeLeaf(authority, "localhost", "20260101000000Z", inAWeek.replace(/\.\d+|[-:T]/g, ""))
      expect(yield* publicName(ending)).toMatch(/^false .* only: it should have been renewed/)
      const expired = makeLeaf(authority, "localhost", "20230101000000Z", "20240101000000Z")
      expect(yield* publicName(expired)).toMatch(/^false .* its certificate has expired/)
    }),
  120_000,
)
