import { afterAll } from "vitest"

declare module "vitest" {
  interface TaskMeta {
    /** The databases that a file's tests ran on, as those said themselves. */
    ranOn?: ReadonlyArray<string>
  }
}

const databases = new Set<string>()

/** `PostgreSQL 15.20 with TimescaleDB 2.28.3` */
export const noteDatabase = (description: string): void => void databases.add(description)

afterAll(({ meta }) => {
  meta.ranOn = [...databases]
})
