import { Effect, Layer, Option } from "effect"
import makeMdns, { type ResponseOutgoingPacket } from "multicast-dns"
import { networkInterfaces } from "node:os"
import { commonNameOf } from "./Certificates.ts"
import { MeterEndpoint } from "./HttpsApi.ts"
import { apiVersion, SimulatedMeter } from "./SimulatedMeter.ts"
import { V1Endpoint } from "./V1Api.ts"

const lifetimeS = 120

interface Service {
  /** `_homewizard._tcp` or `_hwenergy._tcp`. */
  readonly type: string
  readonly port: number
  readonly txt: Readonly<Record<string, string>>
}

type Answers = NonNullable<ResponseOutgoingPacket["answers"]>

const textOf = (txt: Service["txt"]): Array<string> => Object.entries(txt).map(([key, value]) => `${key}=${value}`)

/** The records by which a service is found, resolved and described. */
const recordsOf = (host: string, address: string, { port, txt, type }: Service, ttl: number): Answers => {
  const service = `${type}.local`
  const instance = `${host}.${service}`
  const target = `${host}.local`
  return [
    { name: "_services._dns-sd._udp.local", type: "PTR", ttl, data: service },
    { name: service, type: "PTR", ttl, data: instance },
    { name: instance, type: "SRV", ttl, data: { target, port } },
    { name: instance, type: "TXT", ttl, data: textOf(txt) },
    { name: target, type: "A", ttl, data: address },
  ]
}

const everywhere = ["0.0.0.0", "::"]

/** The IPv4 address by which others reach a host that listens. */
const addressOf = (host: string): string => {
  if (!everywhere.includes(host)) return host === "localhost" ? "127.0.0.1" : host
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1"
}

/** Says on the local network where the meter is, as the device does, while the layer lives. */
export const layer = Layer.scopedDiscard(
  Effect.gen(function* () {
    const { host, port, serial } = yield* MeterEndpoint
    const v1 = yield* V1Endpoint
    const { product_name, product_type } = yield* Effect.flatMap(SimulatedMeter, (meter) => meter.device)
    const product = { serial, product_name, product_type }
    const services: ReadonlyArray<Service> = [
      { type: "_homewizard._tcp", port, txt: { api_version: apiVersion, id: commonNameOf(serial), ...product } },
      ...Option.match(v1.port, {
        onNone: () => [],
        onSome: (port) => [{ type: "_hwenergy._tcp", port, txt: { api_enabled: "1", path: "/api/v1", ...product } }],
      }),
    ]
    const name = `p1meter-${serial.slice(-6)}`
    const address = addressOf(host)
    const mdns = makeMdns({ interface: address, bind: "0.0.0.0" })
    mdns.on("error", () => undefined)
    mdns.on("query", ({ questions }) => {
      for (const service of services) {
        const records = recordsOf(name, address, service, lifetimeS)
        const asked = questions?.some((question) => records.some((record) => record.name === question.name))
        if (asked === true) mdns.respond(records)
      }
    })
    const say = (ttl: number) =>
      Effect.sync(() => services.forEach((service) => mdns.respond(recordsOf(name, address, service, ttl))))
    yield* say(lifetimeS)
    yield* Effect.addFinalizer(() =>
      Effect.zipRight(
        say(0),
        Effect.async<undefined>((resume) => mdns.destroy(() => resume(Effect.succeed(undefined)))),
      ),
    )
  }),
)
