import { assert, describe, it } from "@effect/vitest"
import { NodeContext } from "@effect/platform-node"
import { FileSystem } from "@effect/platform"
import { Context, Effect, Layer, Option, Schema, TestClock } from "effect"
import { layer, MeterControls } from "../../src/simulator/index.ts"
import { ask, askAs } from "./client.ts"

const Live = layer({ port: 0 })
const create = (name: unknown) => ask("/api/user", { method: "POST", json: { name } })
const error = (code: string) => JSON.stringify({ error: code })
const User = Schema.parseJson(Schema.Struct({ name: Schema.String, token: Schema.String }))
const press = Effect.flatMap(MeterControls, ({ pressButton }) => pressButton)
const pair = (name: string) =>
  Effect.gen(function* () {
    yield* press
    const { body, status } = yield* create(name)
    assert.strictEqual(status, 200)
    return yield* Schema.decode(User)(body)
  })

describe("the users of the meter", () => {
  it.scopedLive("are made only after a press of the button, one for each press", () =>
    Effect.gen(function* () {
      const refused = yield* create("local/edge")
      assert.deepInclude(refused, { status: 403, body: error("user:creation-not-enabled"), version: "2.3.0" })
      const { name, token } = yield* pair("local/edge")
      assert.strictEqual(name, "local/edge")
      assert.match(token, /^[A-F0-9]{32}$/)
      assert.strictEqual((yield* create("local/other")).status, 403)
      assert.strictEqual((yield* ask("/api/measurement", { token })).status, 200)
      const { body } = yield* ask("/api/user", { token })
      assert.deepStrictEqual(JSON.parse(body), [{ name: "local/simulator" }, { name: "local/edge", current: true }])
    }).pipe(Effect.provide(Live)),
  )

  it.scopedLive("lose their token without a word when their name is made again", () =>
    Effect.gen(function* () {
      const first = yield* pair("local/edge")
      const second = yield* pair("local/edge")
      assert.notStrictEqual(first.token, second.token)
      assert.deepInclude(yield* ask("/api", { token: first.token }), { status: 401, body: error("user:unauthorized") })
      assert.strictEqual((yield* ask("/api", { token: second.token })).status, 200)
    }).pipe(Effect.provide(Live)),
  )

  it.scopedLive("have names by the rules", () =>
    Effect.gen(function* () {
      yield* press
      const rules: ReadonlyArray<readonly [unknown, string]> = [
        ["edge", "user:invalid-prefix"],
        ["cloud/edge", "user:invalid-prefix"],
        ["local/", "user:name-empty"],
        [`local/${"x".repeat(41)}`, "user:name-too-long"],
        ["local/é", "user:name-invalid"],
        [7, "json:parameter-invalid-type:name"],
        [undefined, "json:parameter-missing:name"],
      ]
      for (const [name, code] of rules) {
        assert.deepInclude(yield* create(name), { status: 400, body: error(code) })
      }
      const broken = yield* ask("/api/user", { method: "POST", text: "{" })
      assert.deepInclude(broken, { status: 400, body: error("request:invalid-json") })
      const long = yield* ask("/api/user", { method: "POST", json: { name: "x".repeat(5000) } })
      assert.deepInclude(long, { status: 413, body: error("request:too-large") })
      assert.strictEqual((yield* create("local/A z-_\\/#9")).status, 200)
    }).pipe(Effect.provide(Live)),
  )

  it.scopedLive("remove others by name and themselves without one", () =>
    Effect.gen(function* () {
      const { token } = yield* pair("local/edge")
      const remove = (json?: unknown) => ask("/api/user", { method: "DELETE", token, json })
      yield* pair("local/other")
      assert.deepInclude(yield* remove({ name: "local/nobody" }), { status: 404, body: error("user:not-found") })
      assert.deepInclude(yield* remove({ name: "local/other" }), { status: 204, body: "" })
      assert.deepInclude(yield* remove(), { status: 204, body: "" })
      assert.strictEqual((yield* ask("/api", { token })).status, 401)
      assert.strictEqual((yield* askAs("/api")).status, 200)
    }).pipe(Effect.provide(Live)),
  )

  it.scopedLive("fill the meter's storage one day, and are there after a restart", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const run = <A, E>(use: Effect.Effect<A, E, Layer.Layer.Success<typeof Live>>) =>
        Effect.scoped(
          Effect.flatMap(Layer.build(layer({ port: 0, folder: Option.some(folder) })), (context) =>
            Effect.provide(use, context),
          ),
        )
      const { token } = yield* run(
        Effect.gen(function* () {
          for (let i = 1; i < 15; i++) yield* pair(`local/${i}`)
          const last = yield* pair("local/15")
          yield* press
          assert.deepInclude(yield* create("local/16"), { status: 400, body: error("user:no-storage") })
          return last
        }),
      )
      assert.strictEqual((yield* run(ask("/api", { token }))).status, 200)
    }).pipe(Effect.provide(NodeContext.layer)),
  )

  it.effect("have half a minute after the press", () =>
    Effect.gen(function* () {
      const controls = Context.get(yield* Layer.build(layer({ port: 0 })), MeterControls)
      yield* controls.pressButton
      yield* TestClock.adjust("29999 millis")
      assert.isTrue(yield* controls.buttonHolds)
      yield* TestClock.adjust("1 millis")
      assert.isFalse(yield* controls.buttonHolds)
    }).pipe(Effect.scoped),
  )
})
