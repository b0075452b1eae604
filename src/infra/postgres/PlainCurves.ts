import { hoursOf, minutesOf } from "./PowerCurves.ts"

const epoch = "timestamptz '1970-01-01T00:00:00Z'"
const binned = (width: string, instant: string): string => `date_bin(interval '${width}', ${instant}, ${epoch})`
/** The first multiple of a width that is not before an instant. */
const raised = (width: string, instant: string): string =>
  binned(width, `${instant} + interval '${width}' - interval '1 microsecond'`)

const between = (width: string): string =>
  `device_id = of_device and ts >= ${raised(width, "from_ts")} and ts < ${raised(width, "to_ts")}`

/** Power curves as views over the raw samples, and the functions that read a range of them by the samples' index. */
export const plainCurves = {
  views: [
    `create view p1_power_minutes as ${minutesOf(binned("1 minute", "ts"))}`,
    `create view p1_power_hours as ${hoursOf(binned("1 hour", "bucket"))}`,
  ],
  minutes: minutesOf(binned("1 minute", "ts"), between("1 minute")),
  hours: hoursOf(binned("1 hour", "bucket"), `(${minutesOf(binned("1 minute", "ts"), between("1 hour"))}) as minutes`),
  /** Nothing is kept. */
  forget: "begin end",
}
