import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Option, Scope, Stream } from "effect"
import { RealtimeCache, Store, StoreUnavailable } from "../../src/domain/ports/index.ts"
import { Server } from "../../src/server/index.ts"
import { call, layerServer, memoryPorts, type Ports, Running, send } from "./support/server.ts"

const batch = { samples: [{ ts: "2024-01-15T10:00:00Z", power_w: 100 }] }

/** The ports in memory, with a store that differs. */
const withStore = (change: (store: Context.Tag.Service<Store>) => Partial<Context.Tag.Service<Store>>) =>
  Layer.map(memoryPorts, (ports): Context.Context<Ports> => {
    const store = Context.get(ports, Store)
    return Context.add(ports, Store, { ...store, ...change(store) })
  })

const away = new StoreUnavailable({ message: "connect ECONNREFUSED secret-host" })

describe("a server", () => {
  it.live("says that it lives, and that it is ready and on what it stands", () =>
    Effect.gen(function* () {
      expect((yield* call("/health/live")).json).toEqual({ status: "ok" })
      expect((yield* call("/health/ready")).json).toMatchObject({
        service: "p1-api",
        status: "ok",
        store: "in memory",
        cache: "in memory",
      })
      const head = yield* call("/health/live", { method: "HEAD" })
      expect([head.status, head.text]).toEqual([200, ""])
    }).pipe(Effect.provide(layerServer(memoryPorts))),
  )

  it.live("without its store lives, is not ready, and says when to ask again", () =>
    Effect.gen(function* () {
      const { home, homeReader } = yield* Running
      expect((yield* call("/health/live")).status).toBe(200)
      const replies = [
        yield* call("/health/ready"),
        yield* call("/v1/realtime", { token: homeReader }),
        yield* send(home, batch),
      ]
      for (const reply of replies) {
        expect(reply.json).toMatchObject({ status: 503, retry_after_s: expect.any(Number) })
        expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0)
        expect(reply.text).not.toContain("secret-host")
      }
    }).pipe(
      Effect.provide(
        layerServer(
          withStore(() => ({
            check: Effect.fail(away),
            latest: () => Effect.fail(away),
            ingest: () => Effect.fail(away),
          })),
        ),
      ),
    ),
  )

  it.live("is not ready when its store hangs, within about two seconds", () =>
    call("/health/ready").pipe(
      Effect.timeout("4 seconds"),
      Effect.map(({ json }) => {
        expect(json).toMatchObject({ status: 503 })
      }),
      Effect.provide(layerServer(withStore(() => ({ check: Effect.uninterruptible(Effect.sleep("5 seconds")) })))),
    ),
  )

  it.live("answers 503 within two seconds when its store hangs", () =>
    Effect.gen(function* () {
      const { homeReader } = yield* Running
      const reply = yield* Effect.timeout(call("/v1/realtime", { token: homeReader }), "2 seconds")
      expect(reply.json).toMatchObject({ status: 503, retry_after_s: expect.any(Number) })
    }).pipe(Effect.provide(layerServer(withStore(() => ({ latest: () => Effect.never }))))),
  )

  it.live("answers 503 to a cached read, too, and later gives what was computed meanwhile", () => {
    const computed = Effect.unsafeMakeLatch()
    return Effect.gen(function* () {
      const { home, homeReader } = yield* Running
      yield* send(home, batch)
      const read = call("/v1/quarters?from=2024-01-15&to=2024-01-16", { token: homeReader })
      expect((yield* Effect.timeout(read, "12 seconds")).json).toMatchObject({ status: 503, retry_after_s: 5 })
      yield* computed.open
      expect((yield* read).status).toBe(200)
    }).pipe(
      Effect.provide(
        layerServer(
          withStore((store) => ({
            quarterHours: (...args) => Effect.zipRight(computed.await, store.quarterHours(...args)),
          })),
        ),
      ),
    )
  })

  it.live("tells nothing of a defect", () =>
    Effect.gen(function* () {
      const { homeReader } = yield* Running
      const reply = yield* call("/v1/realtime", { token: homeReader })
      expect(reply.json).toEqual({
        type: "about:blank",
        title: "Internal server error",
        status: 500,
        detail: expect.any(String),
      })
      expect(reply.text).not.toContain("select")
    }).pipe(
      Effect.provide(layerServer(withStore(() => ({ latest: () => Effect.die(new Error("select * from secrets")) })))),
    ),
  )

  it.live("answers an ingest though the realtime state cannot be built or cached", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      expect((yield* send(home, batch)).json).toMatchObject({ inserted: 1 })
    }).pipe(
      Effect.timeout("3 seconds"),
      Effect.provide(
        layerServer(
          Layer.map(memoryPorts, (ports): Context.Context<Ports> =>
            Context.add(ports, RealtimeCache, {
              fill: () => Effect.uninterruptible(Effect.as(Effect.sleep("5 seconds"), Option.none())),
              get: () => Effect.succeedNone,
              updates: () => Stream.empty,
              check: Effect.void,
              description: "slow",
            }),
          ),
        ),
      ),
    ),
  )

  it.live("finishes a request under way before it ends, and then takes none; its ports end last", () =>
    Effect.gen(function* () {
      const began = yield* Effect.makeLatch()
      const ended: Array<string> = []
      const ports = Layer.merge(
        withStore((store) => ({
          ingest: (...args) =>
            began.open.pipe(
              Effect.zipRight(Effect.sleep("500 millis")),
              Effect.zipRight(store.ingest(...args)),
              Effect.tap(() => Effect.sync(() => ended.push("stored"))),
            ),
        })),
        Layer.scopedDiscard(Effect.addFinalizer(() => Effect.sync(() => ended.push("ports closed")))),
      )
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(layerServer(ports), scope)
      const { home } = Context.get(context, Running)
      yield* Effect.provide(call("/health/live"), context)
      const request = yield* Effect.fork(Effect.provide(send(home, batch), context))
      yield* began.await
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      const reply = yield* Fiber.join(request)
      expect(reply.json).toMatchObject({ inserted: 1 })
      expect(reply.headers.get("connection")).toBe("close")
      yield* Fiber.join(closing).pipe(Effect.timeout("1 second"))
      expect(ended).toEqual(["stored", "ports closed"])
      const refused = yield* Effect.exit(Effect.provide(call("/health/live"), context))
      expect(Exit.isFailure(refused)).toBe(true)
    }),
  )

  it.live(
    "says that it ends while it still takes requests, and asks to close each connection, before it takes none",
    () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(layerServer(memoryPorts, { endGrace: "3 seconds" }), scope)
        const { home } = Context.get(context, Running)
        const ask = (path: string) => Effect.provide(call(path), context)
        const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
        const live = yield* Effect.repeat(Effect.delay(ask("/health/live"), "10 millis"), {
          until: ({ text }) => text.includes("ending"),
        })
        expect([live.status, live.headers.get("connection")]).toEqual([200, "close"])
        const ready = yield* ask("/health/ready")
        expect([ready.status, ready.headers.get("retry-after")]).toEqual([503, "1"])
        expect((yield* Effect.provide(send(home, batch), context)).json).toMatchObject({ inserted: 1 })
        yield* Fiber.join(closing)
        expect(Exit.isFailure(yield* Effect.exit(ask("/health/live")))).toBe(true)
      }),
  )

  it.live("cuts a request that does not end in time", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const ports = withStore(() => ({ ingest: () => Effect.never }))
      const context = yield* Layer.buildWithScope(layerServer(ports), scope)
      const { home } = Context.get(context, Running)
      const request = yield* Effect.fork(Effect.exit(Effect.provide(send(home, batch), context)))
      yield* Effect.sleep("200 millis")
      yield* Scope.close(scope, Exit.void).pipe(Effect.timeout("5 seconds"))
      expect(Exit.isFailure(yield* Fiber.join(request))).toBe(true)
    }),
  )

  it.live("says in a sentence that its port is taken", () =>
    Effect.gen(function* () {
      const { url } = yield* Running
      const port = Number(new URL(url).port)
      const second = Server.layer({ host: "127.0.0.1", port, portVariable: "PORT" })
      const failure = yield* Effect.flip(Effect.scoped(Layer.build(Layer.provide(second, memoryPorts))))
      expect(failure.message).toBe(`Port ${port} on 127.0.0.1 is taken: stop what uses it, or set PORT to a free port.`)
    }).pipe(Effect.provide(layerServer(memoryPorts))),
  )
})
