import { join } from "node:path"
import { DateTime, Effect, Layer, Logger, LogLevel, Redacted, Stream } from "effect"
import { defaultZone, instantsOfStamp } from "../../src/domain/index.ts"
import { layer as layerMeter, MeterControls, MeterEndpoint, SimulatedMeter } from "../../src/simulator/index.ts"
import { freePort } from "../../test/support/FreePort.ts"
import { program } from "../support/Process.ts"
import type { Row, Telegram } from "./Comparison.ts"

const zone = DateTime.zoneUnsafeMakeNamed(defaultZone)

/** A simulated meter in this process; it lives as fast as time. */
export const layerSimulated = layerMeter({ port: 0 }).pipe(Layer.provide(Logger.minimumLogLevel(LogLevel.None)))

/** Keeps a ledger of every telegram that the meter gives to anybody, by the second of its stamp. */
export const ledger = Effect.gen(function* () {
  const { given, now } = yield* SimulatedMeter
  const telegrams = new Map<number, Telegram>()
  yield* Stream.fromPubSub(given).pipe(
    Stream.runForEach((json) =>
      Effect.map(now, (second) => {
        const instants = instantsOfStamp(json.timestamp ?? "", zone).map(({ epochMillis }) => epochMillis / 1000)
        const stamped = instants.sort((a, b) => Math.abs(a - second) - Math.abs(b - second))[0]
        if (stamped === undefined) return
        telegrams.set(stamped, {
          powerW: json.power_w ?? NaN,
          energyImportKwh: json.energy_import_kwh ?? NaN,
          energyExportKwh: json.energy_export_kwh ?? NaN,
        })
      }),
    ),
    Effect.forkScoped,
  )
  return telegrams
})

const reader = (url: string, token: string) => (path: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
    return { status: response.status, text: await response.text() }
  })

/** The server with a PostgreSQL of its own, and the edge between it and the meter: the programs as they are installed. */
export const household = (folder: string) =>
  Effect.gen(function* () {
    const endpoint = yield* MeterEndpoint
    const port = yield* Effect.promise(freePort)
    const url = `http://127.0.0.1:${port}`
    const apiEnv = { DATA_DIR: join(folder, "server"), PORT: String(port), LOG_FORMAT: "json" }
    const api = yield* program("p1-api", [], apiEnv)
    yield* api.says(/The API is ready/)
    const command = (args: ReadonlyArray<string>) =>
      Effect.scoped(
        Effect.gen(function* () {
          const running = yield* program("p1-api", [...args, "--json"], apiEnv)
          const [text] = yield* running.says(/\{.*\}\n/)
          return JSON.parse(text) as { readonly device_id: string; readonly token: string }
        }),
      )
    const { device_id: device, token } = yield* command(["devices", "add", "Capture"])
    const { token: readToken } = yield* command(["tokens", "add", "--read", device])
    const read = reader(url, readToken)
    const edgeEnv = {
      HW_P1_HOST: `${endpoint.host}:${endpoint.port}`,
      HW_P1_TOKEN: Redacted.value(endpoint.token),
      VPS_INGEST_URL: url,
      VPS_DEVICE_TOKEN: token,
      DATA_DIR: join(folder, "edge"),
      LOG_FORMAT: "json",
    }
    const edge = yield* program("p1-edge", [], edgeEnv)

    /** Later than what happened by the five seconds between two reports of the edge. */
    const countedMissing = Effect.scoped(
      Effect.gen(function* () {
        yield* Effect.sleep("6 seconds")
        const status = yield* program("p1-edge", ["status", "--json"], edgeEnv)
        const [text] = yield* status.says(/\{.*\}\n/)
        return (JSON.parse(text) as { readonly missed: number }).missed
      }),
    )

    const newest = Effect.map(read("/v1/realtime"), ({ status, text }) =>
      status === 200 ? Date.parse((JSON.parse(text) as { readonly ts: string }).ts) / 1000 : -Infinity,
    )
    const rows = (fromSecond: number, toSecond: number) =>
      Effect.map(read(`/v1/samples?from=${iso(fromSecond)}&to=${iso(toSecond)}`), ({ text }) =>
        text
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as Row),
      )
    const coverage = (fromSecond: number, toSecond: number) =>
      Effect.map(read(`/v1/quarters?from=${iso(fromSecond)}&to=${iso(toSecond)}`), ({ text }) => {
        const { quarters } = JSON.parse(text) as {
          readonly quarters: ReadonlyArray<{ readonly start: string; readonly coverage: number }>
        }
        return quarters.map(({ coverage, start }) => ({ second: Date.parse(start) / 1000, coverage }))
      })
    return { edge, newest, rows, coverage, countedMissing }
  })

const iso = (second: number): string => new Date(second * 1000).toISOString()

/** Cuts the meter off, for everybody, for some seconds. */
export const cutMeterOff = (seconds: number) =>
  Effect.gen(function* () {
    const { set } = yield* MeterControls
    yield* set({ network: "reset" })
    yield* Effect.sleep(seconds * 1000)
    yield* set({ network: "well" })
  })
