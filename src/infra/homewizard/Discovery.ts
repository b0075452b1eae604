import { networkInterfaces } from "node:os"
import { Bonjour, type Service } from "bonjour-service"
import { Array as Arr, type Duration, Effect, Either, Layer, Option, Schema } from "effect"
import type { Options } from "multicast-dns"
import { type FoundMeter, MeterDiscovery } from "../../domain/ports/index.ts"
import { open } from "./Dialer.ts"
import { identify, peerOf } from "./Identity.ts"
import { formatAddress } from "./Locator.ts"

/** What a device says of itself beside its address. Source: HomeWizard API documentation, v2, "Discovery". */
const Txt = Schema.Struct({
  product_type: Schema.String,
  product_name: Schema.optional(Schema.String),
  serial: Schema.String,
  api_version: Schema.optional(Schema.String),
})
const decodeTxt = Schema.decodeUnknownOption(Txt)

const ipv4 = /^(?:\d{1,3}\.){3}\d{1,3}$/
/** Nowhere, this link only, several, all. */
const unusable = /^(?:0\.|169\.254\.|22[4-9]\.|23\d\.|255\.255\.255\.255$)/
const loopback = /^127\./

const isOwn = (address: string): boolean =>
  Object.values(networkInterfaces()).some((all) => all?.some((own) => own.address === address))

/** Where to reach what was announced: an address of its own rather than a name that would have to be resolved again. */
const addressOf = ({ addresses = [], host, referer }: Service): string => {
  const given = [...addresses, ...(referer === undefined ? [] : [referer.address])]
  const usable = given.filter((address) => ipv4.test(address) && !unusable.test(address))
  const elsewhere = usable.find((address) => !loopback.test(address))
  const here =
    referer !== undefined && isOwn(referer.address) ? usable.find((address) => loopback.test(address)) : undefined
  return here ?? elsewhere ?? host
}

const problemOf = ({ api_version }: typeof Txt.Type, port: number): Option.Option<string> => {
  if (api_version === undefined || !api_version.startsWith("2.")) return Option.some("it does not speak Local API v2")
  return port === 443 ? Option.none() : Option.some(`it answers on port ${port} instead of 443`)
}

const meterOf = (service: Service): Option.Option<FoundMeter> =>
  Option.map(
    Option.filter(decodeTxt(service.txt), ({ product_type }) => product_type === "HWE-P1"),
    (txt) => ({
      serial: txt.serial.toLowerCase(),
      name: txt.product_name ?? service.name,
      host: addressOf(service),
      port: service.port,
      problem: problemOf(txt, service.port),
    }),
  )

/** Looks at the certificate of what claims to be a meter; nothing is sent. */
const proved = (meter: FoundMeter): Effect.Effect<FoundMeter> =>
  Option.isSome(meter.problem)
    ? Effect.succeed(meter)
    : Effect.acquireUseRelease(
        open(meter, Option.none()),
        (socket) =>
          Effect.succeed(
            identify(peerOf(socket), {
              address: formatAddress(meter),
              serial: Option.some(meter.serial),
              chain: false,
              pinned: Option.none(),
            }),
          ),
        (socket) => Effect.sync(() => socket.destroy()),
      ).pipe(
        Effect.timeout("3 seconds"),
        Effect.map(
          Either.match({ onLeft: () => "its certificate is not that of this meter", onRight: () => undefined }),
        ),
        Effect.orElseSucceed(() => "it does not answer"),
        Effect.map((problem) => ({ ...meter, problem: Option.fromNullable(problem) })),
      )

const askAgainEvery = "1 second"

/** Where this machine is, on each of its networks. */
const ownAddresses = Effect.sync(() =>
  Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).filter(({ family }) => family === "IPv4").map(({ address }) => address),
  ),
)

/**
 * Listens for `_homewizard._tcp` on one network for a while; a browser of its own each time, because an old one says
 * nothing twice.
 */
const servicesOn = (network: string, within: Duration.DurationInput): Effect.Effect<ReadonlyArray<Service>> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      // Handed on to multicast-dns, which the library's own types do not say.
      const options: ConstructorParameters<typeof Bonjour>[0] & Options = { interface: network, bind: "0.0.0.0" }
      const bonjour = new Bonjour(options, () => undefined)
      return { bonjour, browser: bonjour.find({ type: "homewizard" }) }
    }),
    ({ browser }) =>
      Effect.sync(() => browser.update()).pipe(
        Effect.delay(askAgainEvery),
        Effect.forever,
        Effect.timeoutTo({ duration: within, onTimeout: () => browser.services, onSuccess: () => browser.services }),
      ),
    ({ bonjour, browser }) =>
      Effect.sync(() => {
        browser.stop()
        bonjour.destroy()
      }),
  )

/** A machine with several networks, such as one that runs containers, would be asked on the first of them only. */
const services = (within: Duration.DurationInput): Effect.Effect<ReadonlyArray<Service>> =>
  Effect.flatMap(ownAddresses, (networks) =>
    Effect.map(
      Effect.forEach(networks, (network) => servicesOn(network, within), { concurrency: "unbounded" }),
      Arr.flatten,
    ),
  )

const samePlace = (a: FoundMeter, b: FoundMeter): boolean =>
  a.serial === b.serial && a.host === b.host && a.port === b.port

/** P1 meters that announce themselves by multicast DNS. */
export const layer: Layer.Layer<MeterDiscovery> = Layer.succeed(MeterDiscovery, {
  find: (within) =>
    Effect.flatMap(services(within), (all) =>
      Effect.forEach(Arr.dedupeWith(Arr.filterMap(all, meterOf), samePlace), proved, { concurrency: 4 }),
    ),
})
