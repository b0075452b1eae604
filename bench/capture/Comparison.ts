/** What the meter gave, by the second of its reading time. */
export interface Telegram {
  readonly powerW: number
  readonly energyImportKwh: number
  readonly energyExportKwh: number
}

/** A sample as `GET /v1/samples` gives it. */
export interface Row {
  readonly ts: string
  readonly ts_source?: string
  readonly power_w: number
  readonly energy_import_kwh: number
  readonly energy_export_kwh: number
}

export interface Comparison {
  /** How many seconds the meter lived, each with a telegram of its own. */
  readonly telegrams: number
  readonly taken: number
  /** Seconds without a row, as the meter stamped them, epoch seconds. */
  readonly missing: ReadonlyArray<number>
  /** Rows of no telegram, and rows beyond the first of one. */
  readonly invented: ReadonlyArray<Row>
  /** Rows that do not say what their telegram said. */
  readonly different: ReadonlyArray<Row>
}

/** Compares the telegrams of [fromSecond, toSecond) with the rows that came of them. */
export const compare = (
  given: ReadonlyMap<number, Telegram>,
  rows: ReadonlyArray<Row>,
  fromSecond: number,
  toSecond: number,
): Comparison => {
  const seen = new Set<number>()
  const invented: Array<Row> = []
  const different: Array<Row> = []
  for (const row of rows) {
    const second = Date.parse(row.ts) / 1000
    const telegram = given.get(second)
    if (telegram === undefined || seen.has(second)) {
      invented.push(row)
      continue
    }
    seen.add(second)
    const same =
      row.power_w === telegram.powerW &&
      row.energy_import_kwh === telegram.energyImportKwh &&
      row.energy_export_kwh === telegram.energyExportKwh
    if (!same) different.push(row)
  }
  const missing: Array<number> = []
  for (let second = fromSecond; second < toSecond; second++) if (!seen.has(second)) missing.push(second)
  const telegrams = toSecond - fromSecond
  return { telegrams, taken: telegrams - missing.length, missing, invented, different }
}
