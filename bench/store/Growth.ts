import { DateTime, Effect } from "effect"
import { fromEpochMillis, rangeOfMonth } from "../../src/domain/index.ts"
import { Registry, Store, StoreAdmin } from "../../src/domain/ports/index.ts"
import { line, section } from "../support/Report.ts"
import { batch } from "./Household.ts"
import { median, rate } from "./Measure.ts"
import { fill } from "./Reads.ts"

const zone = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const deviceRows = 1_000_000
const beganMs = Date.UTC(2026, 8, 1)
const size = 500

const addDevice = (deviceId: string) =>
  Effect.flatMap(Registry, (registry) => registry.addDevice({ deviceId, name: deviceId, zone: "Europe/Brussels" }))

/** A million samples of a device of its own, with their quarter-hours. */
const million = (n: number) =>
  Effect.gen(function* () {
    const admin = yield* StoreAdmin
    yield* addDevice(`grown-${n}`)
    yield* fill(`grown-${n}`, beganMs, deviceRows)
    yield* admin.recompute(`grown-${n}`, { fromMs: beganMs, toMs: beganMs + deviceRows * 1000 })
  })

const figures = (millions: number) =>
  Effect.gen(function* () {
    const store = yield* Store
    const deviceId = `figures-${millions}`
    yield* addDevice(deviceId)
    const at = (round: number) => beganMs + round * size * 1000
    const ours = yield* rate(1, (_, round) => Effect.as(store.ingest(deviceId, batch(at(round), size, 1000)), size))
    const name = (what: string) => `${what}, ${millions} million rows`
    yield* line({ name: name(`batches of ${size}`), value: ours, unit: "rows/s" })
    const now = fromEpochMillis(beganMs + deviceRows * 1000)
    const month = rangeOfMonth("2026-09", zone)
    yield* line({ name: name("  latest sample"), value: yield* median(15, store.latest("grown-0", now)), unit: "ms" })
    yield* line({
      name: name("  month of quarter-hours"),
      value: yield* median(15, store.quarterHours("grown-0", month)),
      unit: "ms",
    })
  })

/** The same figures at growing sizes. */
export const growth = (steps: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    yield* section("Growth: the figures stay")
    let grown = 0
    for (const millions of steps) {
      for (; grown < millions; grown++) yield* million(grown)
      yield* figures(millions)
    }
  })
