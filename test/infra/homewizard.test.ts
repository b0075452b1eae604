import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer, type Server } from "node:https"
import { type AddressInfo, createServer as createTcpServer } from "node:net"
import { Cause, Effect, Either, Inspectable, Layer, Option, Redacted } from "effect"
import { afterEach, describe, expect, it } from "vitest"
import { Meter, MeterDiscovery, type MeterError } from "../../src/domain/ports/index.ts"
import { HomeWizardMeter } from "../../src/infra/homewizard/index.ts"
import { identify } from "../../src/infra/homewizard/Identity.ts"
import { MemoryEdgeState } from "../../src/infra/memory/index.ts"
import { threePhase } from "../support/measurements.ts"
import { type Leaf, makeAuthority, makeLeaf } from "./certificates.ts"

const serial = "5c2faf0a1b2c"
const secret = "0123456789ABCDEF0123456789ABCDEF"
interface Dongle {
  readonly port: number
  readonly requests: Array<Pick<IncomingMessage, "url" | "headers">>
  readonly connections: () => number
  readonly show: (leaf: Leaf) => void
  readonly hangUp: () => void
}

const open: Array<Server> = []
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

const json =
  (value: unknown, status = 200) =>
  (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))
  }
const hangingUp = ({ socket }: IncomingMessage): void => {
  socket.destroy()
}
const garbage = (_: IncomingMessage, response: ServerResponse): void => {
  response.end("{")
}
const stopping = (_: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200, { "content-length": "99" }).write("{")
}

const startDongle = async (leaf: Leaf, answer = json(threePhase)): Promise<Dongle> => {
  const requests: Dongle["requests"] = []
  let connections = 0
  const server = createServer(leaf, (request, response) => {
    requests.push({ url: request.url, headers: request.headers })
    answer(request, response)
  })
  server.on("connection", () => connections++)
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    connections: () => connections,
    show: (leaf) => server.setSecureContext(leaf),
    hangUp: () => server.closeAllConnections(),
  }
}

const nobodyAround = Layer.succeed(MeterDiscovery, { find: () => Effect.succeed([]) })

const meterAt = (port: number, options: Partial<HomeWizardMeter.MeterOptions> = {}) =>
  HomeWizardMeter.layer({
    host: "127.0.0.1",
    port,
    token: Redacted.make(secret),
    ca: Option.none(),
    serial: Option.none(),
    timeout: "2 seconds",
    ...options,
  }).pipe(Layer.provide([MemoryEdgeState.layer, nobodyAround]))

const ask = (port: number, options: Partial<HomeWizardMeter.MeterOptions> = {}) =>
  Effect.runPromise(
    Effect.flatMap(Meter, (meter) => Effect.either(meter.measurement)).pipe(Effect.provide(meterAt(port, options))),
  )

const failure = async (port: number, options: Partial<HomeWizardMeter.MeterOptions> = {}): Promise<MeterError> => {
  const outcome = await ask(port, options)
  if (outcome._tag === "Right") throw new Error("the meter was believed")
  return outcome.left
}

const vendor = makeAuthority("Vendor")
const stranger = makeAuthority("Stranger")
const genuine = makeLeaf(vendor, `appliance/p1dongle/${serial}`)

describe("a meter that proves to be one", () => {
  it("is asked with token and version over one connection", async () => {
    const dongle = await startDongle(genuine)
    const powers = await Effect.runPromise(
      Effect.gen(function* () {
        const meter = yield* Meter
        return yield* Effect.all([meter.measurement, meter.measurement, meter.measurement], {
          concurrency: "unbounded",
        })
      }).pipe(
        Effect.map((all) => all.map(({ powerW }) => powerW)),
        Effect.provide(meterAt(dongle.port)),
      ),
    )
    expect(powers).toEqual([threePhase.power_w, threePhase.power_w, threePhase.power_w])
    expect(dongle.connections()).toBe(1)
    expect(dongle.requests.map(({ headers, url }) => [url, headers.authorization, headers["x-api-version"]])).toEqual(
      Array.from({ length: 3 }, () => ["/api/measurement", `Bearer ${secret}`, "2"]),
    )
    expect(Object.keys(dongle.requests[0]?.headers ?? {}).sort()).toEqual([
      "authorization",
      "connection",
      "host",
      "x-api-version",
    ])
  })

  it("says what it is", async () => {
    const document = {
      product_name: "P1 Meter",
      product_type: "HWE-P1",
      serial,
      firmware_version: "6.0304",
      api_version: "2.0.5",
    }
    const dongle = await startDongle(genuine, json(document))
    const device = await Effect.runPromise(
      Effect.flatMap(Meter, ({ device }) => device).pipe(Effect.provide(meterAt(dongle.port))),
    )
    expect(device).toEqual({ serial, productType: "HWE-P1", firmwareVersion: "6.0304", apiVersion: "2.0.5" })
  })

  it.each([
    [200, "/FLU5\r\n!", Option.some("/FLU5\r\n!")],
    [503, "telegram:no-telegram-received", Option.none()],
    [404, "", Option.none()],
  ])("gives its telegram as it is, or none: status %i", async (status, text, expected) => {
    const dongle = await startDongle(genuine, (_, response) => {
      response.writeHead(status, { "content-type": "text/plain" }).end(text)
    })
    const telegram = await Effect.runPromise(
      Effect.flatMap(Meter, ({ telegram }) => telegram).pipe(Effect.provide(meterAt(dongle.port))),
    )
    expect(telegram).toEqual(expected)
  })

  it("may be any of the CA's when no serial is known, and has to be the one that is", async () => {
    const dongle = await startDongle(genuine)
    const ca = Option.some(vendor.pem)
    expect(await ask(dongle.port, { ca })).toMatchObject({ _tag: "Right" })
    expect(await ask(dongle.port, { ca, serial: Option.some(serial.toUpperCase()) })).toMatchObject({ _tag: "Right" })
  })
})

describe("who is not the meter never sees the token", () => {
  const refused = async (leaf: Leaf, options: Partial<HomeWizardMeter.MeterOptions> = {}) => {
    const dongle = await startDongle(leaf)
    const error = await failure(dongle.port, options)
    expect(dongle.connections()).toBe(1)
    expect(dongle.requests).toEqual([])
    expect(["WrongIdentity", "CertificateDates"]).toContain(error.reason)
    return error.message
  }

  it.each([
    ["another product", `appliance/energysocket/${serial}`],
    ["another name", "router.local"],
    ["a longer name", `x/appliance/p1dongle/${serial}`],
    ["a longer serial", `appliance/p1dongle/${serial}00`],
  ])("%s", async (_, commonName) => {
    expect(await refused(makeLeaf(vendor, commonName))).toContain("is no HomeWizard P1 meter by its certificate")
  })

  it("another meter than the one expected", async () => {
    expect(await refused(genuine, { serial: Option.some("5c2faf999999") })).toContain(`is ${serial}, not 5c2faf999999`)
  })

  it("the right name from another CA, when the vendor's is given", async () => {
    const forged = makeLeaf(stranger, `appliance/p1dongle/${serial}`)
    const ca = Option.some(vendor.pem)
    expect(await refused(forged, { ca })).toContain("was not issued by the CA in HW_P1_CA_FILE")
  })

  it("a certificate that is not valid yet, which is the clock's fault", async () => {
    const leaf = makeLeaf(vendor, `appliance/p1dongle/${serial}`, "20900101000000Z")
    const ca = Option.some(vendor.pem)
    expect(await refused(leaf, { ca })).toContain("(CERT_NOT_YET_VALID): set this machine's clock")
  })

  it("dates that do not fit a clock count only until the key is known", () => {
    const peer = { commonName: `appliance/p1dongle/${serial}`, key: "a", chainError: Option.some("CERT_NOT_YET_VALID") }
    const seen = (key: string, chainError = peer.chainError) =>
      identify(
        { ...peer, chainError },
        { address: "", serial: Option.none(), chain: true, pinned: Option.some({ serial, key }) },
      )
    expect(seen("a")).toEqual(Either.right({ serial, key: "a" }))
    expect(seen("b")).toMatchObject({ left: { reason: "CertificateDates" } })
    expect(seen("a", Option.some("SELF_SIGNED_CERT"))).toMatchObject({ left: { reason: "WrongIdentity" } })
  })

  it("another key than at first contact, also with the right name", async () => {
    const dongle = await startDongle(genuine)
    const other = makeLeaf(vendor, `appliance/p1dongle/${serial}`)
    const outcomes = await Effect.runPromise(
      Effect.gen(function* () {
        const meter = yield* Meter
        yield* meter.measurement
        dongle.hangUp()
        dongle.show(other)
        const changed = yield* Effect.flip(
          Effect.retry(Effect.asVoid(meter.measurement), { while: ({ reason }) => reason === "Unreachable", times: 3 }),
        )
        const asked = dongle.requests.length
        dongle.show(genuine)
        yield* meter.measurement
        return { changed, asked }
      }).pipe(Effect.provide(meterAt(dongle.port))),
    )
    expect(outcomes.changed.reason).toBe("WrongIdentity")
    expect(outcomes.changed.message).toContain("pair again")
    expect(outcomes.asked).toBe(1)
  })
})

describe("a meter that gives no measurement", () => {
  it.each([
    ["refuses the token", json({ error: "user:unauthorized" }, 401), "Unauthorized", "pair again"],
    ["answers another status", json({ error: "request:internal-server-error" }, 500), "Malformed", "status 500"],
    ["redirects", json({}, 302), "Malformed", "status 302"],
    ["answers something else", json([1]), "Malformed", "something else than expected"],
    ["answers no end of it", json("x".repeat(70_000)), "Malformed", "more than 64 KB"],
    ["answers no JSON", garbage, "Malformed", "something else"],
    ["hangs up", hangingUp, "Unreachable", "cannot be reached"],
    ["is silent", () => undefined, "Unreachable", "did not answer /api/measurement within 300ms"],
    ["stops half way", stopping, "Unreachable", "within 300ms"],
  ] as const)("because it %s", async (_, answer, reason, sentence) => {
    const dongle = await startDongle(genuine, answer)
    const error = await failure(dongle.port, { timeout: "300 millis" })
    expect(error.reason).toBe(reason)
    expect(error.message).toContain(sentence)
    expect(error.message).not.toContain("\n")
    const everything = Inspectable.toStringUnknown(error) + Cause.pretty(Cause.fail(error)) + JSON.stringify(error)
    expect(everything).not.toContain(secret)
  })

  it("because nobody is there, or nobody speaks", async () => {
    const silent = createTcpServer()
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
    const { port } = silent.address() as AddressInfo
    expect((await failure(port, { timeout: "300 millis" })).reason).toBe("Unreachable")
    silent.close()
    const gone = await startDongle(genuine)
    for (const server of open.splice(0)) server.close()
    expect((await failure(gone.port)).message).toContain("cannot be reached (ECONNREFUSED)")
  })
})
