import { describe, expect, it } from "vitest"
import { isSafe } from "../../src/infra/sqlite/Connection.ts"

describe("the SQLite that a spool is opened with", () => {
  it.each([
    ["3.7.0", false],
    ["3.50.9", false],
    ["3.51.2", false],
    ["3.51.3", true],
    ["3.51.10", true],
    ["3.53.2", true],
    ["4.0.0", true],
  ])("%s: %s", (version, safe) => {
    expect(isSafe(version)).toBe(safe)
  })
})
