import { Args, Command } from "@effect/cli"
import { DateTime, Effect, Option, Schema } from "effect"
import { DeviceId, Month } from "../../domain/index.ts"
import { Store } from "../../domain/ports/index.ts"
import * as Admin from "../Admin.ts"
import { checked, json } from "./Arguments.ts"
import { minute, print, table } from "./Printed.ts"

const Kilowatts = Schema.NumberFromString.pipe(
  Schema.filter((kw) => kw > 0 && kw <= 100, { description: "a peak in kW, such as 4.2" }),
)

const device = Args.text({ name: "DEVICE" })
const month = Args.text({ name: "MONTH" })

const target = (named: string, of: string) =>
  Effect.gen(function* () {
    const { deviceId } = yield* Admin.findDevice(yield* checked("DEVICE", DeviceId, named))
    return { deviceId, month: yield* checked("MONTH", Month, of) }
  })

const set = Command.make(
  "set",
  { device, month, peak: Args.text({ name: "KW" }), json },
  ({ device, json, month, peak }) =>
    Effect.gen(function* () {
      const { setManualPeak } = yield* Store
      const at = yield* target(device, month)
      const peakW = Math.round((yield* checked("KW", Kilowatts, peak.replace(",", "."))) * 1000)
      yield* setManualPeak(at.deviceId, at.month, Option.some(peakW))
      yield* print(
        json,
        { device_id: at.deviceId, month: at.month, peak_w: peakW },
        `The peak of ${at.deviceId} in ${at.month} is ${peakW / 1000} kW, whatever the meter says.`,
      )
    }),
).pipe(Command.withDescription("Enter a month's peak as it is on the bill, in kW"))

const remove = Command.make("remove", { device, month, json }, ({ device, json, month }) =>
  Effect.gen(function* () {
    const { setManualPeak } = yield* Store
    const at = yield* target(device, month)
    const removed = yield* setManualPeak(at.deviceId, at.month, Option.none())
    yield* print(
      json,
      { device_id: at.deviceId, month: at.month, removed },
      removed ? `The peak that was entered for ${at.month} is gone.` : `No peak was entered for ${at.month}.`,
    )
  }),
).pipe(Command.withDescription("Forget a peak that was entered"))

const list = Command.make("list", { device, json }, ({ device, json }) =>
  Effect.gen(function* () {
    const store = yield* Store
    const { deviceId } = yield* Admin.findDevice(yield* checked("DEVICE", DeviceId, device))
    const manual = yield* store.manualPeaks(deviceId)
    const metered = yield* store.reportedPeaks(deviceId)
    const rows = [
      ...manual.map(({ month, peakW }) => ({ month, peakW, source: "manual", peakTs: null })),
      ...metered.map(({ month, peakTs, peakW }) => ({ month, peakW, source: "meter", peakTs })),
    ].sort((a, b) => (a.month === b.month ? (a.source < b.source ? -1 : 1) : a.month < b.month ? -1 : 1))
    const iso = (ts: DateTime.Utc | null) => Option.map(Option.fromNullable(ts), DateTime.formatIso)
    yield* print(
      json,
      {
        peaks: rows.map(({ month, peakTs, peakW, source }) => ({
          month,
          peak_w: peakW,
          source,
          peak_ts: Option.getOrNull(iso(peakTs)),
        })),
      },
      rows.length === 0
        ? "No peak was entered, and the meter has reported none."
        : table([
            ["MONTH", "PEAK", "SOURCE", "END OF QUARTER-HOUR"],
            ...rows.map(({ month, peakTs, peakW, source }) => [
              month,
              `${(peakW / 1000).toFixed(3)} kW`,
              source,
              minute(iso(peakTs), "-"),
            ]),
          ]),
    )
  }),
).pipe(Command.withDescription("List the peaks that were entered and those that the meter reported"))

export const peaks = Command.make("peaks").pipe(
  Command.withDescription("Monthly peaks for the capacity tariff"),
  Command.withSubcommands([set, list, remove]),
)
