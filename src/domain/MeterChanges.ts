import type { MeterInfo } from "./Sample.ts"

const valuesOf = ({ ts: _, ...values }: MeterInfo): string => JSON.stringify(Object.entries(values).sort())

/** When another meter was first seen, in order: where its id is not that of the one before. */
export const replacementsMs = (infos: ReadonlyArray<MeterInfo>): ReadonlyArray<number> => {
  const told = infos.filter(({ uniqueId }) => uniqueId !== null)
  return told.filter(({ uniqueId }, i) => i > 0 && uniqueId !== told[i - 1]?.uniqueId).map(({ ts }) => ts.epochMillis)
}

/** What a meter said of itself, in order of time, less what only repeats the one before. */
export const meterChanges = (infos: ReadonlyArray<MeterInfo>): ReadonlyArray<MeterInfo> =>
  infos.filter((info, i) => {
    const previous = infos[i - 1]
    return previous === undefined || valuesOf(previous) !== valuesOf(info)
  })
