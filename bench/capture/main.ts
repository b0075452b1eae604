import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Ref, Schedule } from "effect"
import { SimulatedMeter } from "../../src/simulator/index.ts"
import { line, section } from "../support/Report.ts"
import { compare, type Comparison } from "./Comparison.ts"
import { cutMeterOff, household, layerSimulated, ledger } from "./Household.ts"

const minutes = Number(process.env["CAPTURE_MINUTES"] ?? 60)
const cutS = Number(process.env["CAPTURE_CUT_S"] ?? 180)
const parent = process.env["CAPTURE_FOLDER"] || tmpdir()

const folder = Effect.acquireRelease(
  Effect.promise(async () => {
    await mkdir(parent, { recursive: true })
    const path = await mkdtemp(join(parent, "p1-capture-"))
    await chmod(path, 0o711)
    return path
  }),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true })),
)

const lookEvery = "10 seconds"
/** An edge that has just started still holds what it needed to start. */
const settleS = 15

const iso = (second: number): string => new Date(second * 1000).toISOString()

const say = ({ different, invented, missing, taken, telegrams }: Comparison) =>
  Effect.gen(function* () {
    yield* line({ name: "telegrams that the meter gave", value: telegrams, unit: "" })
    yield* line({
      name: "taken, and stored on the server",
      value: (100 * taken) / telegrams,
      unit: "%",
      target: "≥ 99.9",
    })
    yield* line({ name: "missing", value: missing.length, unit: "" })
    yield* line({ name: "invented, or stored twice", value: invented.length, unit: "", target: "0" })
    yield* line({ name: "stored with another value", value: different.length, unit: "", target: "0" })
    if (missing.length > 0) yield* Console.log(`    missing: ${missing.map(iso).join(", ")}`)
    for (const row of [...invented, ...different]) yield* Console.log(`    ${JSON.stringify(row)}`)
  })

NodeRuntime.runMain(
  Effect.gen(function* () {
    const path = yield* folder
    const { now } = yield* SimulatedMeter
    const given = yield* ledger
    const { countedMissing, coverage, edge, newest, rows } = yield* household(path)
    const storedUntil = (second: number) =>
      newest.pipe(
        Effect.repeat({ until: (at) => at >= second, schedule: Schedule.spaced("500 millis") }),
        Effect.timeout("2 minutes"),
      )
    yield* storedUntil(0)
    const fromSecond = (yield* now) + 1
    const toSecond = fromSecond + Math.round(minutes * 60)
    yield* Console.log(`Capturing for ${minutes} minutes from ${iso(fromSecond)}; the edge has pid ${edge.pid}`)

    const most = yield* Ref.make(0)
    yield* Effect.flatMap(edge.usage, ({ rssMb }) => Ref.update(most, (before) => Math.max(before, rssMb))).pipe(
      Effect.schedule(Schedule.spaced(lookEvery)),
      Effect.delay(settleS * 1000),
      Effect.forkScoped,
    )
    yield* Effect.sleep(settleS * 1000)
    const before = yield* edge.usage
    const watchedFrom = performance.now()
    yield* Effect.flatMap(now, (second) => Effect.sleep(Math.max(0, toSecond - second) * 1000))
    const after = yield* edge.usage
    const watchedS = (performance.now() - watchedFrom) / 1000
    yield* storedUntil(toSecond)

    const hour = compare(given, yield* rows(fromSecond, toSecond), fromSecond, toSecond)
    yield* section(`${minutes} minutes of one meter, ${iso(fromSecond)} to ${iso(toSecond)}`)
    yield* say(hour)
    yield* line({ name: "memory of the edge, at most", value: yield* Ref.get(most), unit: "MB", target: "≤ 90" })
    yield* line({
      name: "processor, share of one core",
      value: (100 * (after.cpuS - before.cpuS)) / watchedS,
      unit: "%",
      target: "≤ 2",
    })
    for (const quarter of yield* coverage(fromSecond, toSecond)) {
      const whole = quarter.second >= fromSecond && quarter.second + 900 <= toSecond
      if (whole) yield* line({ name: `coverage of ${iso(quarter.second)}`, value: quarter.coverage, unit: "" })
    }

    const cutSecond = yield* now
    yield* cutMeterOff(cutS)
    const backSecond = yield* now
    yield* storedUntil(backSecond + 15)
    const untilSecond = backSecond + 15
    const cut = compare(given, yield* rows(cutSecond, untilSecond), cutSecond, untilSecond)
    yield* section(`The meter cut off for ${cutS} s, until ${iso(backSecond)}`)
    const resumed = cut.missing.reduce((last, second) => Math.max(last, second), backSecond) + 1
    yield* line({ name: "missing", value: cut.missing.length, unit: "" })
    yield* line({ name: "missing since its start, as the edge counts it", value: yield* countedMissing, unit: "" })
    yield* line({ name: "samples again after it was back", value: resumed - backSecond, unit: "s", target: "≤ 10" })
    yield* line({ name: "invented, or stored twice", value: cut.invented.length, unit: "", target: "0" })
    for (const quarter of yield* coverage(cutSecond - (cutSecond % 900), untilSecond)) {
      yield* line({ name: `coverage of ${iso(quarter.second)}, so far`, value: quarter.coverage, unit: "" })
    }

    const good = hour.taken / hour.telegrams >= 0.999
    const honest = [hour, cut].every(({ different, invented }) => different.length + invented.length === 0)
    if (!good || !honest || cut.missing.length < cutS - 2)
      return yield* Effect.dieMessage("The capture is not what it must be")
  }).pipe(Effect.scoped, Effect.provide(layerSimulated)),
)
