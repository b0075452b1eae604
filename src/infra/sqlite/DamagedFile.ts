import Sqlite from "better-sqlite3"
import { Effect, type Scope } from "effect"
import { mendLog } from "./DamagedLog.ts"

type RawRow = Readonly<Record<string, unknown>> & { readonly id: number }

/** A damaged file, read as far as it goes. Whatever cannot be read is nothing. */
export interface DamagedFile {
  readonly rows: (table: string) => ReadonlyArray<Readonly<Record<string, unknown>>>
  /** Up to `limit` rows from an id on, in order; where reading fails in between, what comes before that. */
  readonly from: (table: string, id: number, limit: number) => ReadonlyArray<RawRow>
  /** The first id from another on that can be read, past what cannot be; null when there is none. */
  readonly nextReadable: (table: string, id: number) => number | null
  readonly close: () => void
}

const attempt = <A>(evaluate: () => A): A | undefined => {
  try {
    return evaluate()
  } catch {
    return undefined
  }
}

const open = (path: string): DamagedFile => {
  attempt(() => {
    mendLog(`${path}-wal`)
  })
  const db = attempt(() => new Sqlite(path, { fileMustExist: true }))
  attempt(() => db?.pragma("locking_mode = EXCLUSIVE"))
  const firstFrom = (table: string, id: number): number | null | undefined =>
    attempt(() => {
      // The whole row: of one that is damaged the id alone may still be read.
      const row = db?.prepare<[number], RawRow>(`SELECT * FROM ${table} WHERE id >= ? ORDER BY id LIMIT 1`).get(id)
      return row?.id ?? null
    })

  return {
    rows: (table) => attempt(() => db?.prepare<[], RawRow>(`SELECT * FROM ${table}`).all()) ?? [],
    from: (table, id, limit) => {
      const rows: Array<RawRow> = []
      attempt(() => {
        const statement = db?.prepare<[number, number], RawRow>(
          `SELECT * FROM ${table} WHERE id >= ? ORDER BY id LIMIT ?`,
        )
        for (const row of statement?.iterate(id, limit) ?? []) rows.push(row)
      })
      return rows
    },
    nextReadable: (table, id) => {
      let failing = id - 1
      let probe = id
      let found = firstFrom(table, probe)
      while (found === undefined) {
        if (probe > Number.MAX_SAFE_INTEGER / 2) return null
        const step = probe - failing
        failing = probe
        probe += 2 * step
        found = firstFrom(table, probe)
      }
      while (probe - failing > 1) {
        const middle = failing + Math.floor((probe - failing) / 2)
        const there = firstFrom(table, middle)
        if (there === undefined) failing = middle
        else {
          probe = middle
          found = there ?? found
        }
      }
      return found
    },
    close: () => {
      attempt(() => db?.close())
    },
  }
}

export const openDamaged = (path: string): Effect.Effect<DamagedFile, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => open(path)),
    ({ close }) => Effect.sync(close),
  )
