import type { WindowSample } from "./WindowFacts.ts"

/** The time up to the latest sample whose mean import stands for what runs now. */
export const recentMs = 60_000

/** Below this span a register of whole watt-hours says nothing of power. */
const enoughSpanMs = 5_000
const wattMsPerKwh = 3_600_000_000

/**
 * Mean import in watts over the samples of the last {@link recentMs}, in order of time: by the import register where
 * it reaches far enough, else the mean of the powers.
 */
export const recentImportW = (samples: ReadonlyArray<WindowSample>): number => {
  const first = samples[0]
  const last = samples.at(-1)
  if (first === undefined || last === undefined) return 0
  const spanMs = last.tsMs - first.tsMs
  if (spanMs >= enoughSpanMs && first.importKwh !== null && last.importKwh !== null) {
    const importedKwh = last.importKwh - first.importKwh
    if (importedKwh >= 0) return (importedKwh * wattMsPerKwh) / spanMs
  }
  return samples.reduce((sum, { powerW }) => sum + Math.max(powerW, 0), 0) / samples.length
}
