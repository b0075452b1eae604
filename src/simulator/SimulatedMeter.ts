import { Path } from "@effect/platform"
import { Clock, Context, DateTime, Effect, Layer, Option, PubSub, type Redacted, Schedule } from "effect"
import type { ZoneName } from "../domain/index.ts"
import { MeterControls } from "./Controls.ts"
import { dsmrTelegram } from "./Dsmr.ts"
import { loadCheckpoint, saveCheckpoint } from "./Checkpoint.ts"
import { makeEngine } from "./Engine.ts"
import { makeMemory } from "./Memory.ts"
import { cannotUse } from "./Files.ts"
import { type Household, makeHousehold } from "./Household.ts"
import { MeterIdentity } from "./Identity.ts"
import type { LedgerMark } from "./Ledger.ts"
import { type PlayedQuarter, replay } from "./Replay.ts"
import { initialState } from "./Registers.ts"
import type { MeasurementJson } from "./Telegram.ts"

/** The JSON of `GET /api`. */
export interface DeviceJson {
  readonly product_name: string
  readonly product_type: string
  readonly serial: string
  readonly firmware_version: string
  readonly api_version: string
}

/** The version of the Local API that the meter speaks. */
export const apiVersion = "2.3.0"

/** A meter that lives in its own time. */
export class SimulatedMeter extends Context.Tag("simulator/SimulatedMeter")<
  SimulatedMeter,
  {
    readonly serial: string
    readonly token: Redacted.Redacted
    readonly caPem: string
    readonly household: Household
    /** What time it is for the meter, epoch seconds. */
    readonly now: Effect.Effect<number>
    /** How long it takes until a second of the meter begins, milliseconds of the clock. */
    readonly msUntil: (second: number) => Effect.Effect<number>
    readonly device: Effect.Effect<DeviceJson>
    readonly measurement: Effect.Effect<MeasurementJson>
    /** The reading stamped with a second of the meter's time, or the newest one if the meter is already beyond it. */
    readonly measurementAt: (second: number) => Effect.Effect<MeasurementJson>
    /** The raw telegram; none while the smart meter gave none. */
    readonly telegram: Effect.Effect<Option.Option<string>>
    /** Every measurement that a client was given. */
    readonly given: PubSub.PubSub<MeasurementJson>
    /** The registers at every quarter-hour's edge in [fromSecond, toSecond], from where this run began. */
    readonly ledger: (fromSecond: number, toSecond: number) => Effect.Effect<ReadonlyArray<LedgerMark>>
  }
>() {}

export interface SimulationOptions {
  readonly seed: number
  readonly zone: ZoneName
  /** The meter's time when it starts; the clock's own where there is none. */
  readonly startAt: Option.Option<DateTime.Utc>
  /** Seconds of the meter in a second of the clock. */
  readonly speed: number
  /** What it plays instead of a household of its own. */
  readonly play: Option.Option<ReadonlyArray<PlayedQuarter>>
  /** Where the meter keeps its registers from run to run. */
  readonly folder: Option.Option<string>
}

const checkpointEvery = "60 seconds"

const make = Effect.fn("SimulatedMeter.make")(function* (options: SimulationOptions) {
  const { serial, token, caPem } = yield* MeterIdentity
  const controls = yield* MeterControls
  const path = yield* Path.Path
  const own = makeHousehold(options)
  const household = Option.match(options.play, { onNone: () => own, onSome: (quarters) => replay(own, quarters) })
  const clockStartMs = yield* Clock.currentTimeMillis
  const startMs = Option.match(options.startAt, { onNone: () => clockStartMs, onSome: DateTime.toEpochMillis })
  const now = Effect.map(Clock.currentTimeMillis, (clockMs) =>
    Math.floor((startMs + (clockMs - clockStartMs) * options.speed) / 1000),
  )

  const msUntil = (second: number) =>
    Effect.map(Clock.currentTimeMillis, (clockMs) =>
      Math.max(0, Math.ceil(clockStartMs + (second * 1000 - startMs) / options.speed - clockMs)),
    )

  const startSecond = yield* now
  const file = Option.map(options.folder, (folder) => path.join(folder, "state.json"))
  const saved = yield* Effect.transposeMapOption(file, (name) => loadCheckpoint(name, household, startSecond))
  const origin = Option.getOrElse(Option.flatten(saved), () => initialState(household, startSecond))
  const engine = makeEngine({ household, serial, origin })
  const memory = yield* makeMemory(Effect.map(now, engine.advanceTo))
  const said = (second: number) =>
    Effect.map(
      memory.at(engine.advanceTo(second)),
      Option.map(({ state, face }) => ({
        state,
        face,
        json: engine.telegramOf(state, face),
      })),
    )
  const measurementAt = (second: number) =>
    Effect.map(said(second), Option.match({ onNone: (): MeasurementJson => ({}), onSome: ({ json }) => json }))

  if (Option.isSome(file)) {
    const save = Effect.flatMap(now, (second) => saveCheckpoint(file.value, household, engine.advanceTo(second)))
    const trySave = Effect.catchAll(save, (error) =>
      Effect.annotateLogs(Effect.logWarning("The meter's state could not be saved"), { cause: error.message }),
    )
    yield* save
    yield* Effect.addFinalizer(() => trySave)
    yield* Effect.forkScoped(Effect.schedule(trySave, Schedule.spaced(checkpointEvery)))
  }

  return SimulatedMeter.of({
    serial,
    token,
    caPem,
    household,
    now,
    msUntil,
    device: Effect.succeed({
      product_name: "P1 Meter",
      product_type: "HWE-P1",
      serial,
      firmware_version: "6.0503",
      api_version: apiVersion,
    }),
    measurement: Effect.flatMap(now, measurementAt),
    measurementAt,
    telegram: Effect.flatMap(now, said).pipe(
      Effect.map(Option.map(({ state, json, face }) => dsmrTelegram(household, state, json, face))),
      Effect.zipWith(controls.switches, (text, { telegram }) =>
        telegram === "intact" ? text : Option.map(text, (whole) => whole.replace("1-0:1.8.1(0", "1-0:1.8.1(9")),
      ),
    ),
    given: yield* PubSub.unbounded<MeasurementJson>(),
    ledger: (fromSecond, toSecond) => Effect.sync(() => engine.ledger(fromSecond, toSecond)),
  })
})

/** Plays a household from its checkpoint, or from the start of the local month where there is none. */
export const layer = (options: SimulationOptions) =>
  Layer.scoped(
    SimulatedMeter,
    Effect.mapError(make(options), (error) =>
      cannotUse(
        Option.getOrElse(options.folder, () => ""),
        error,
      ),
    ),
  )
