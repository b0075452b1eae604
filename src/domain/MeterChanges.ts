import type { MeterInfo } from "./Sample.ts"

const valuesOf = ({ ts: _, ...values }: MeterInfo): string => JSON.stringify(Object.entries(values).sort())

/** What a meter said of itself, in order of time, less what only repeats the one before. */
export const meterChanges = (infos: ReadonlyArray<MeterInfo>): ReadonlyArray<MeterInfo> =>
  infos.filter((info, i) => {
    const previous = infos[i - 1]
    return previous === undefined || valuesOf(previous) !== valuesOf(info)
  })
