import { createSocket } from "node:dgram"
import { createServer } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, LogLevel, Option } from "effect"
import { MeterDiscovery } from "../../src/domain/ports/index.ts"
import { HomeWizardDiscovery } from "../../src/infra/homewizard/index.ts"
import { layer as simulator, MeterEndpoint } from "../../src/simulator/index.ts"

/** Whether this kernel lets a program join the group of multicast DNS on the loopback: some containers do not. */
const multicast = await new Promise<boolean>((resolve) => {
  const socket = createSocket({ type: "udp4", reuseAddr: true })
  socket.once("error", () => resolve(false))
  socket.bind(0, () => {
    try {
      socket.addMembership("224.0.0.251", "127.0.0.1")
      resolve(true)
    } catch {
      process.stderr.write("NOT TESTED: discovery by multicast DNS, which this kernel refuses\n")
      resolve(false)
    }
    socket.close()
  })
})

/** Whether the port that a P1 has is free to be listened on. */
const canListenOn443 = Effect.async<boolean>((resume) => {
  const server = createServer()
  server.once("error", () => resume(Effect.succeed(false)))
  server.listen(443, "127.0.0.1", () => server.close(() => resume(Effect.succeed(true))))
})

const announced = (port: number, serial: string) =>
  Effect.map(
    Layer.build(simulator({ port, serial, announce: true, play: Option.some([]) })),
    (context) => Context.get(context, MeterEndpoint).port,
  ).pipe(Effect.provide(Logger.minimumLogLevel(LogLevel.None)))

describe.skipIf(!multicast)("meters that announce themselves by multicast DNS", () => {
  it.scopedLive("are found by who asks, once each, and one on another port than a P1 has is named as such", () =>
    Effect.gen(function* () {
      const proper = yield* canListenOn443
      if (proper) yield* announced(443, "5c2faf00aa01")
      const port = yield* announced(0, "5c2faf00aa02")
      const { find } = yield* MeterDiscovery
      const found = (yield* find("3 seconds")).filter(({ serial }) => serial.startsWith("5c2faf00aa"))
      expect(found.map(({ host, port, problem, serial }) => [serial, host, port, Option.getOrNull(problem)])).toEqual(
        expect.arrayContaining([
          ...(proper ? [["5c2faf00aa01", "127.0.0.1", 443, null]] : []),
          ["5c2faf00aa02", "127.0.0.1", port, `it answers on port ${port} instead of 443`],
        ]),
      )
      expect(found.length).toBe(proper ? 2 : 1)
    }).pipe(Effect.provide(HomeWizardDiscovery.layer)),
  )
})
