import { join } from "node:path"
import { writeFile } from "node:fs/promises"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { makeUploadOnce } from "../../src/edge/index.ts"
import { InternetClient } from "../../src/infra/http-client/index.ts"
import { type Leaf, makeAuthority, makeLeaf } from "../infra/certificates.ts"
import { freePort } from "../support/FreePort.ts"
import { serving } from "../support/HttpsServer.ts"
import { run, start } from "../support/Programs.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { edgeInMemory, spoolSamples } from "./support/edge.ts"

const failureAt = (url: string) =>
  Effect.gen(function* () {
    yield* spoolSamples(1)
    const { uploadNewest } = yield* makeUploadOnce({ url, token: Effect.succeed(Redacted.make("p1d_secret")) })
    return yield* Effect.flip(uploadNewest)
  }).pipe(Effect.provide([edgeInMemory, InternetClient.layer]))

describe("a server that cannot be reached", () => {
  it.live("because its name is not known", () =>
    Effect.gen(function* () {
      const failure = yield* failureAt("https://p1.example.invalid")
      expect(failure).toMatchObject({ kind: "Transient" })
      expect(failure.message).toMatch(/its name (is not known|cannot be looked up).*\((ENOTFOUND|EAI_AGAIN)\)/)
    }),
  )

  it.live("because nothing listens there", () =>
    Effect.gen(function* () {
      const failure = yield* failureAt(`http://127.0.0.1:${yield* Effect.promise(freePort)}`)
      expect(failure.message).toBe("The server cannot be reached, nothing listens there (ECONNREFUSED)")
    }),
  )

  it.scopedLive("because nobody vouches for it, whatever the environment says of verifying", () =>
    Effect.gen(function* () {
      const server = yield* serving(makeLeaf(makeAuthority("Some CA"), "localhost"))
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"
        }),
        () =>
          Effect.sync(() => {
            delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]
          }),
      )
      const failure = yield* failureAt(`https://localhost:${server.port}`)
      expect(failure.message).toContain("signed by no known authority: name a private CA's file in NODE_EXTRA_CA_CERTS")
      expect(server.requests()).toBe(0)
    }),
  )
})

describe("the edge's program before a server with a private CA", () => {
  it.scopedLive(
    "sends its token only to the name it was given, while the certificate is valid",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const authority = makeAuthority("Home CA")
        const caFile = join(folder, "ca.pem")
        yield* Effect.promise(() => writeFile(caFile, authority.pem))
        const meterPort = yield* Effect.promise(freePort)
        const found = (leaf: Leaf) =>
          Effect.gen(function* () {
            const server = yield* serving(leaf)
            const { said } = yield* run(
              "p1-edge",
              {
                HW_P1_HOST: `127.0.0.1:${meterPort}`,
                HW_P1_TOKEN: "0123456789ABCDEF0123456789ABCDEF",
                VPS_INGEST_URL: `https://localhost:${server.port}`,
                VPS_DEVICE_TOKEN: "p1d_secret",
                DATA_DIR: yield* temporaryFolder,
                NODE_EXTRA_CA_CERTS: caFile,
              },
              ["doctor"],
            )
            return `${server.requests()} requests; ${/^FAILED +server +(.*)$/m.exec(said)?.[1] ?? said}`
          }).pipe(Effect.scoped)
        const outcomes = yield* Effect.all(
          {
            right: found(makeLeaf(authority, "localhost")),
            expired: found(makeLeaf(authority, "localhost", "20230101000000Z", "20240101000000Z")),
            early: found(makeLeaf(authority, "localhost", "20900101000000Z")),
            otherName: found(makeLeaf(authority, "elsewhere.example")),
            otherCa: found(makeLeaf(makeAuthority("Other CA"), "localhost")),
          },
          { concurrency: 2 },
        )
        expect(outcomes).toEqual({
          right: expect.stringMatching(/^1 requests; The server refuses the token/),
          expired: expect.stringMatching(/^0 requests; .*its certificate has expired/),
          early: expect.stringMatching(/^0 requests; .*not valid yet: check this machine's clock/),
          otherName: expect.stringMatching(/^0 requests; .*for another name: check VPS_INGEST_URL/),
          otherCa: expect.stringMatching(/^0 requests; .*signed by no known authority/),
        })
      }),
    60_000,
  )
})

describe("the commands beside a running edge", () => {
  it.scopedLive(
    "show it, check it, and leave its spool alone",
    () =>
      Effect.gen(function* () {
        const env = {
          HW_P1_HOST: `127.0.0.1:${yield* Effect.promise(freePort)}`,
          HW_P1_TOKEN: "0123456789ABCDEF0123456789ABCDEF",
          VPS_INGEST_URL: `http://127.0.0.1:${yield* Effect.promise(freePort)}`,
          VPS_DEVICE_TOKEN: "p1d_secret",
          DATA_DIR: yield* temporaryFolder,
        }
        const command = (...args: ReadonlyArray<string>) => run("p1-edge", env, args)
        expect(yield* command("status", "--check")).toMatchObject({
          code: 1,
          said: expect.stringContaining("No edge runs here"),
        })

        const edge = yield* start("p1-edge", env, ["run"])
        yield* edge.says(/Edge started/)
        yield* Effect.sleep("300 millis")
        expect(yield* command("status", "--check")).toEqual({ code: 0, said: "The edge runs.\n" })
        expect((yield* command("status")).said).toContain("last sample never")
        expect((yield* command("doctor")).said).toMatch(/^ok +spool +held by the edge that runs/m)
        expect(yield* command("quarantine", "list")).toMatchObject({
          code: 1,
          said: expect.stringContaining("in use by another process"),
        })

        yield* edge.signal("SIGTERM")
        expect(yield* edge.ended).toBe(0)
        expect((yield* command("status", "--check")).code).toBe(1)
        expect(yield* command("quarantine", "list")).toEqual({ code: 0, said: "Nothing is in quarantine.\n" })
        expect(yield* command("spool", "export")).toEqual({ code: 0, said: "" })
      }),
    60_000,
  )
})
