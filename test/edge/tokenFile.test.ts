import { mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"
import { Spool } from "../../src/domain/ports/index.ts"
import * as Environment from "../../src/edge/Environment.ts"
import * as Uploader from "../../src/edge/Uploader.ts"
import { variables } from "../../src/infra/process/VariableFiles.ts"
import { sampleAt } from "../infra/samples.ts"
import { batchOf, edgeInMemory, recordLogs, stubServer, waiting } from "./support/edge.ts"

const folder = mkdtempSync(join(tmpdir(), "token-"))
const file = join(folder, "token")
process.env["VPS_DEVICE_TOKEN_FILE"] = file
afterAll(() => {
  delete process.env["VPS_DEVICE_TOKEN_FILE"]
  rmSync(folder, { recursive: true })
})

const uploader = Uploader.layer({
  server: { url: "https://p1.example.org", token: Environment.currentDeviceToken },
  interval: "1 second",
})

/** A server that knows the new token alone; minutes at which it was asked, and with which token. */
const makeServer = (status: number) =>
  Effect.map(Effect.clock, (clock) => {
    const asked: Array<readonly [number, string | undefined]> = []
    const stored: Array<number> = []
    const { layer } = stubServer((request) => {
      const token = request.headers["authorization"]
      asked.push([clock.unsafeCurrentTimeMillis() / 60_000, token])
      if (token !== "Bearer p1d_new") return new Response(null, { status })
      const { samples } = batchOf(request)
      stored.push(...samples.map(({ powerW }) => powerW - 1000))
      const { length } = samples
      return Response.json({ received: length, inserted: length, duplicates: 0, conflicts: 0, rejected: [] })
    })
    return { asked, stored, layer }
  })

const write = (text: string) => Effect.sync(() => writeFileSync(file, text))
const minutes = (n: number) => Effect.repeatN(TestClock.adjust("1 minute"), n - 1)
const isNew = write("p1d_new\n")
const renamed = Effect.sync(() => {
  writeFileSync(`${file}.next`, "p1d_new")
  renameSync(`${file}.next`, file)
})
const emptied = Effect.sync(() => truncateSync(file))
const removed = Effect.sync(() => rmSync(file))
const afterAWhile = (change: Effect.Effect<void>) => Effect.all([change, minutes(3), isNew])

describe("a token that the server refuses costs nothing in an hour, and a new one is used within a minute", () => {
  it.effect.each([
    ["that is moved in its place", 401, renamed],
    ["that is written over it", 401, isNew],
    ["that is written into a file that was empty for a while", 401, afterAWhile(emptied)],
    ["that is written into a file that was gone for a while", 401, afterAWhile(removed)],
    ["that may do what the old one may not", 403, renamed],
  ] as const)("%s (%i)", ([, status, swap]) =>
    Effect.gen(function* () {
      yield* write("p1d_old")
      const server = yield* makeServer(status)
      const logs = yield* recordLogs
      yield* Effect.gen(function* () {
        yield* Layer.build(uploader)
        const spool = yield* Spool
        for (let minute = 0; minute < 60; minute++) {
          yield* spool.append(sampleAt(minute), null)
          yield* TestClock.adjust("1 minute")
        }
        expect(yield* waiting).toBe(60)
        expect(server.asked.length).toBeGreaterThanOrEqual(59)
        yield* swap
        yield* TestClock.adjust("1 minute")
        expect(server.stored.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n))
      }).pipe(Effect.scoped, Effect.provide([server.layer, logs.layer]))
      const refused = server.asked.filter(([, token]) => token !== "Bearer p1d_new")
      expect(new Set(refused.map(([, token]) => token))).toEqual(new Set(["Bearer p1d_old"]))
      refused.slice(1).forEach(([minute], n) => expect(minute - (refused[n]?.[0] ?? 0)).toBeGreaterThanOrEqual(1))
      expect(JSON.stringify(logs.lines)).not.toMatch(/p1d_(old|new)/)
    }).pipe(Effect.provide(edgeInMemory), Effect.withConfigProvider(variables)),
  )
})
