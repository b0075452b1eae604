import type { ReportedPeak } from "../../domain/index.ts"
import type { Column } from "./Columns.ts"

/** The columns of p1_metered_peaks. */
export const peakColumns: ReadonlyArray<Column<ReportedPeak>> = [
  { name: "month", kind: "text", get: ({ month }) => month },
  { name: "peak_w", kind: "double precision", get: ({ peakW }) => peakW },
  { name: "peak_ts", kind: "instant", get: ({ peakTs }) => peakTs },
  { name: "reported_at", kind: "millis", get: ({ reportedAtMs }) => reportedAtMs },
]
