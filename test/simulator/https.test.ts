import { assert, layer as withLayer } from "@effect/vitest"
import { DateTime, Effect, Exit, Layer, Option, Redacted, Schema } from "effect"
import { request } from "node:https"
import { connect, type PeerCertificate } from "node:tls"
import { Measurement } from "../../src/domain/index.ts"
import { commonNameOf, layer, MeterEndpoint } from "../../src/simulator/index.ts"

const Live = layer({ port: 0, startAt: Option.some(DateTime.unsafeMake("2026-06-02T10:00:00Z")) })

interface Reply {
  readonly status: number | undefined
  readonly version: string | string[] | undefined
  readonly body: string
}

const get = (path: string, headers: Record<string, string>) =>
  Effect.flatMap(MeterEndpoint, ({ host, port, caPem, serial }) =>
    Effect.async<Reply, string>((resume) => {
      const checkServerIdentity = (_: string, { subject }: PeerCertificate) =>
        subject.CN === commonNameOf(serial) ? undefined : new Error(`The certificate is of ${String(subject.CN)}`)
      request({ host, port, path, headers, ca: caPem, checkServerIdentity, agent: false }, (response) => {
        let body = ""
        response.setEncoding("utf8")
        response.on("data", (text: string) => (body += text))
        response.on("end", () =>
          resume(Effect.succeed({ status: response.statusCode, version: response.headers["x-api-version"], body })),
        )
      })
        .on("error", (error) => resume(Effect.fail(error.message)))
        .end()
    }),
  )

const bearer = Effect.map(MeterEndpoint, ({ token }) => ({ authorization: `Bearer ${Redacted.value(token)}` }))
const getAs = (path: string, headers: Record<string, string> = {}) =>
  Effect.flatMap(bearer, (authorization) => get(path, { ...authorization, ...headers }))

withLayer(Live, { excludeTestServices: true })("the meter over HTTPS", (it) => {
  it.effect("says what it is", () =>
    Effect.gen(function* () {
      const { serial } = yield* MeterEndpoint
      const { status, version, body } = yield* getAs("/api", { "X-Api-Version": "2" })
      assert.strictEqual(status, 200)
      assert.strictEqual(version, "2.3.0")
      assert.deepStrictEqual(JSON.parse(body), {
        product_name: "P1 Meter",
        product_type: "HWE-P1",
        serial,
        firmware_version: "6.0503",
        api_version: "2.3.0",
      })
    }),
  )

  it.effect("gives a measurement that the domain understands", () =>
    Effect.gen(function* () {
      const { status, version, body } = yield* getAs("/api/measurement")
      assert.strictEqual(status, 200)
      assert.strictEqual(version, "2.3.0")
      const { timestamp, powerW } = yield* Schema.decode(Schema.parseJson(Measurement))(body)
      assert.match(timestamp ?? "", /^2026-06-02T12:00:\d\d$/)
      assert.isNotNull(powerW)
    }),
  )

  it.effect("refuses who has no token or a wrong one, always with the same words", () =>
    Effect.gen(function* () {
      const { token } = yield* MeterEndpoint
      const headers = [{}, { authorization: "Bearer 0" }, { authorization: Redacted.value(token) }]
      for (const path of ["/api", "/api/measurement", "/nothing"]) {
        for (const wrong of headers) {
          assert.deepStrictEqual(yield* get(path, wrong), {
            status: 401,
            version: "2.3.0",
            body: '{"error":"user:unauthorized"}',
          })
        }
      }
    }),
  )

  it.effect("refuses another version of the API and does not know other paths", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* getAs("/api/measurement", { "X-Api-Version": "1.0.0" }), {
        status: 400,
        version: "2.3.0",
        body: '{"error":"request:api-version-not-supported"}',
      })
      assert.strictEqual((yield* getAs("/api/measurement", { "X-Api-Version": "2.0.1" })).status, 200)
      assert.deepStrictEqual(yield* getAs("/api/v1/data"), { status: 404, version: "2.3.0", body: "" })
    }),
  )

  it.effect("shows a certificate of its serial that its own authority signed, and no other", () =>
    Effect.gen(function* () {
      const { host, port, caPem, serial } = yield* MeterEndpoint
      const handshake = (ca: string) =>
        Effect.async<{ readonly authorized: boolean; readonly CN: unknown }, string>((resume) => {
          const socket = connect({ host, port, ca, checkServerIdentity: () => undefined }, () => {
            const { subject } = socket.getPeerCertificate()
            resume(Effect.succeed({ authorized: socket.authorized, CN: subject.CN }))
            socket.destroy()
          })
          socket.on("error", (error) => resume(Effect.fail(error.message)))
        })
      assert.deepStrictEqual(yield* handshake(caPem), { authorized: true, CN: `appliance/p1dongle/${serial}` })
      const other = yield* Effect.provide(MeterEndpoint, layer({ port: 0 }))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(handshake(other.caPem))))
    }),
  )

  it.effect("says that its port is taken", () =>
    Effect.gen(function* () {
      const { port } = yield* MeterEndpoint
      const error = yield* Effect.flip(Effect.scoped(Layer.build(layer({ port }))))
      assert.include(error.message, `Port ${port}`)
      assert.include(error.message, "METER_PORT")
    }),
  )
})
