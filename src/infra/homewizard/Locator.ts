import { Clock, Duration, Effect, Option, Ref } from "effect"
import { MeterDiscovery } from "../../domain/ports/index.ts"
import type { Pin } from "./Pin.ts"

/** Where a meter is. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** `host:port`, as a URL has it. */
export const formatAddress = ({ host, port }: Address): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

const failuresBeforeSearch = 3
const searchEvery = Duration.seconds(30)
const searchFor = Duration.seconds(4)

interface State {
  readonly address: Address
  readonly failures: number
  readonly searchDueNs: bigint
}

/**
 * Where the meter is now: at the address that was configured, and after repeated failures where the network says that
 * the meter with the known serial is. Whoever answers there still has to prove to be it.
 */
export const makeLocator = Effect.fn("makeLocator")(function* (configured: Address, pin: Pin) {
  const discovery = yield* MeterDiscovery
  const scope = yield* Effect.scope
  const state = yield* Ref.make<State>({ address: configured, failures: 0, searchDueNs: 0n })

  const search = Effect.gen(function* () {
    const known = yield* pin.known
    if (Option.isNone(known)) return
    const found = yield* discovery.find(searchFor)
    const meter = found.find(({ problem, serial }) => Option.isNone(problem) && serial === known.value.serial)
    const { address } = yield* Ref.get(state)
    const next = meter === undefined ? configured : { host: meter.host, port: meter.port }
    if (formatAddress(next) === formatAddress(address)) return
    yield* Ref.update(state, (now) => ({ ...now, address: next, failures: 0 }))
    yield* Effect.logWarning("The meter is looked for at another address").pipe(
      Effect.annotateLogs({ serial: known.value.serial, before: formatAddress(address), now: formatAddress(next) }),
    )
  })

  return {
    address: Effect.map(Ref.get(state), ({ address }) => address),
    reached: Ref.update(state, (now) => ({ ...now, failures: 0 })),
    failed: Effect.gen(function* () {
      const nowNs = yield* Clock.currentTimeNanos
      const due = yield* Ref.modify(state, (now) => {
        const failures = now.failures + 1
        const due = failures >= failuresBeforeSearch && nowNs >= now.searchDueNs
        const searchDueNs = due ? nowNs + Duration.unsafeToNanos(searchEvery) : now.searchDueNs
        return [due, { ...now, failures, searchDueNs }]
      })
      if (due) yield* Effect.forkIn(search, scope)
    }),
  }
})
