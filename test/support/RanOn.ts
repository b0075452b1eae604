import { GlobalValue } from "effect"
import { afterAll } from "vitest"

declare module "vitest" {
  interface TaskMeta {
    /** The databases that a file's tests ran on, as those said themselves. */
    ranOn?: ReadonlyArray<string>
  }
}

/** One for the process: of this file there is an instance for each file of tests, and of those that note only one. */
const databases = GlobalValue.globalValue("p1/test/databases", () => new Set<string>())
databases.clear()

/** `PostgreSQL 15.20 with TimescaleDB 2.28.3` */
export const noteDatabase = (description: string): void => void databases.add(description)

afterAll(({ meta }) => {
  meta.ranOn = [...databases]
})
