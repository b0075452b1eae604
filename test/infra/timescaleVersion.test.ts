import { expect, it } from "vitest"
import { hindranceOf } from "../../src/infra/postgres/Timescale.ts"

const of = (installed: string | null, available: string) =>
  hindranceOf({ postgres: "17.6", preloaded: true, licence: "timescale", installed, available })

it("TimescaleDB is used from the oldest version on that was tried", () => {
  expect(of(null, "2.28.0")).toBeNull()
  expect(of(null, "2.30.1")).toBeNull()
  expect(of(null, "3.0.0")).toBeNull()
  expect(of(null, "2.27.9")).toBe("its version 2.27.9 is older than 2.28")
  expect(of(null, "1.99.0")).toBe("its version 1.99.0 is older than 2.28")
})

it("the version that counts is that of the database, until it is updated", () => {
  expect(of("2.20.3", "2.28.3")).toBe("its version 2.20.3 is older than 2.28")
})
