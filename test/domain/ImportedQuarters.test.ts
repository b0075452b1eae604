import { FastCheck as fc } from "effect"
import { describe, expect, it } from "vitest"
import {
  compareImported,
  type ImportedQuarter,
  planImport,
  quarterHourMs,
  type QuarterHourView,
  withImported,
} from "../../src/domain/index.ts"
import { times } from "../support/Property.ts"

const own = (index: number, energyImportWh: number, eligible = true): QuarterHourView => ({
  startMs: index * quarterHourMs,
  sampleCount: eligible ? 90 : 0,
  energyImportWh,
  energyExportWh: 0,
  lowWh: eligible ? energyImportWh : 0,
  highWh: null,
  meanPowerW: energyImportWh * 4,
  maxPowerW: null,
  coverage: eligible ? 1 : 0,
  spanMs: quarterHourMs,
  method: eligible ? "register" : "spread",
  eligible,
})

const imported = (index: number, energyImportWh: number, more: Partial<ImportedQuarter> = {}): ImportedQuarter => ({
  startMs: index * quarterHourMs,
  energyImportWh,
  energyExportWh: null,
  spanS: 900,
  source: "fluvius",
  validated: true,
  ...more,
})

const energies = (views: ReadonlyArray<QuarterHourView>) =>
  views.map(({ energyImportWh, method }) => [energyImportWh, method])

describe("an imported quarter-hour", () => {
  it("beats one of ours that may not set a peak, never one that may", () => {
    const views = withImported([own(0, 100), own(1, 500, false), own(2, 200)], [imported(0, 900), imported(1, 480)])
    expect(energies(views)).toEqual([
      [100, "register"],
      [480, "import"],
      [200, "register"],
    ])
    expect(views[1]).toMatchObject({ eligible: true, coverage: 1, lowWh: 480, highWh: 480 })
  })

  it("stands where we have none", () => {
    expect(energies(withImported([own(2, 200)], [imported(0, 900), imported(1, 480)]))).toEqual([
      [900, "import"],
      [480, "import"],
      [200, "register"],
    ])
  })

  it("that is estimated, or a share of an hour, may not set a peak and gives way to any of ours", () => {
    const estimated = [imported(0, 900, { validated: false }), imported(1, 480, { spanS: 3600 }), imported(2, 1)]
    const views = withImported([own(0, 100, false), own(1, 500, false), own(2, 200)], estimated)
    expect(energies(views)).toEqual([
      [100, "spread"],
      [500, "spread"],
      [200, "register"],
    ])
    expect(withImported([], estimated).map(({ eligible }) => eligible)).toEqual([false, false, true])
  })

  it("in a gap takes its energy from what we only spread: nothing is counted twice", () => {
    const gap = [own(0, 100), own(1, 500, false), own(2, 500, false), own(3, 500, false), own(4, 100)]
    const views = withImported(gap, [imported(2, 1200)])
    expect(energies(views)).toEqual([
      [100, "register"],
      [150, "spread"],
      [1200, "import"],
      [150, "spread"],
      [100, "register"],
    ])
  })

  it("never changes what a gap's registers say in all, as long as the import leaves something to spread", () => {
    const gaps = fc.record({
      own: fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 2, maxLength: 30 }),
      taken: fc.array(fc.record({ at: fc.nat(29), wh: fc.integer({ min: 0, max: 200 }) }), { maxLength: 10 }),
    })
    fc.assert(
      fc.property(gaps, ({ own: energies, taken }) => {
        const views = energies.map((wh, i) => own(i, wh, false))
        const imports = [...new Map(taken.map(({ at, wh }) => [at % (energies.length - 1), wh]))].map(([at, wh]) =>
          imported(at, wh),
        )
        const total = (list: ReadonlyArray<QuarterHourView>) =>
          list.reduce((sum, { energyImportWh }) => sum + energyImportWh, 0)
        const known = imports.reduce((sum, { energyImportWh }) => sum + energyImportWh, 0)
        const merged = withImported(views, imports)
        expect(total(merged)).toBe(Math.max(total(views), known))
        expect(Math.min(...merged.map(({ energyImportWh }) => energyImportWh))).toBeGreaterThanOrEqual(0)
        expect(merged).toHaveLength(views.length)
      }),
      { numRuns: times(300) },
    )
  })
})

describe("an import", () => {
  it("changes nothing when it is repeated", () => {
    const file = [imported(0, 100), imported(1, 200)]
    expect(planImport([], file)).toMatchObject({ inserted: 2, changed: 0, unchanged: 0 })
    expect(planImport(file, file)).toMatchObject({ inserted: 0, changed: 0, unchanged: 2, write: [] })
  })

  it("keeps what is better known: measured before estimated, finer, the operator's before others'", () => {
    const stored = [
      imported(0, 100),
      imported(1, 100, { validated: false }),
      imported(2, 100, { source: "homewizard" }),
    ]
    const file = [imported(0, 1, { source: "homewizard" }), imported(1, 2), imported(2, 3)]
    const plan = planImport(stored, file)
    expect(plan).toMatchObject({ inserted: 0, changed: 2, unchanged: 0, kept: 1 })
    expect(plan.write.map(({ energyImportWh }) => energyImportWh)).toEqual([2, 3])
  })

  it("is compared with ours that may set a peak: the user's check of us against the bill", () => {
    const ours = [own(0, 1000), own(1, 1000), own(2, 500, false), own(3, 700)]
    expect(compareImported(ours, [imported(0, 1001), imported(1, 990), imported(2, 9000), imported(3, 700)])).toEqual({
      compared: 3,
      differing: 1,
      largestW: -40,
      largestAtMs: quarterHourMs,
      sumWh: -9,
    })
  })
})
