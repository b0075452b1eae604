import type { Chance } from "./Seeds.ts"
import type { Operation } from "./Trace.ts"

type Written = Extract<Operation, { kind: "write" | "truncate" }>

interface FileOnDisk {
  /** What is on the disk for certain. */
  content: Buffer
  /** What the disk was given since the last sync: any of it may be there, in part. */
  readonly pending: Array<Written>
}

/** What a disk holds after the power was cut: names and contents. */
export type CrashState = ReadonlyMap<string, Buffer>

const sector = 512

const apply = (content: Buffer, operation: Written, bytes = Infinity): Buffer => {
  if (operation.kind === "truncate") {
    return Buffer.concat([content, Buffer.alloc(Math.max(0, operation.length - content.length))]).subarray(
      0,
      operation.length,
    )
  }
  const data = operation.data.subarray(0, Math.min(bytes, operation.data.length))
  const grown = Buffer.alloc(Math.max(content.length, operation.offset + data.length))
  content.copy(grown)
  data.copy(grown, operation.offset)
  return grown
}

/** How much of what was not synced the disk has: nothing, all of it, or whatever it came to, torn at a sector. */
export type Luck = "none" | "all" | "some"

const survive = ({ content, pending }: FileOnDisk, luck: Luck, { below, next }: Chance): Buffer => {
  if (luck === "none") return content
  return pending.reduce((state, operation) => {
    if (luck === "some" && next() < 0.5) return state
    const torn = luck === "some" && operation.kind === "write" && next() < 0.3
    return apply(state, operation, torn ? sector * below(Math.ceil(operation.data.length / sector)) : Infinity)
  }, content)
}

/**
 * A disk that is given operations one by one, and says what it would hold if the power were cut now. A sync makes
 * what was written to its file certain, and every name that was made or removed before, as journalling file systems do.
 */
export const makeDisk = () => {
  const files = new Map<string, FileOnDisk>()
  const removed = new Map<string, FileOnDisk>()
  const fileOf = (name: string): FileOnDisk => {
    const file = files.get(name) ?? { content: Buffer.alloc(0), pending: [] }
    files.set(name, file)
    return file
  }
  return {
    give: (operation: Operation): void => {
      if (operation.kind === "said") return
      if (operation.kind === "unlink") {
        const file = files.get(operation.file)
        if (file !== undefined) removed.set(operation.file, file)
        files.delete(operation.file)
        return
      }
      const file = fileOf(operation.file)
      if (operation.kind === "sync") {
        file.content = file.pending.reduce((state, written) => apply(state, written), file.content)
        file.pending.length = 0
        removed.clear()
      } else if (operation.kind === "write" || operation.kind === "truncate") file.pending.push(operation)
    },
    cut: (luck: Luck, chance: Chance): CrashState => {
      const state = new Map<string, Buffer>()
      // Whose removal was not yet certain, may still be there.
      for (const [name, file] of removed)
        if (luck === "none" || chance.next() < 0.5) state.set(name, survive(file, luck, chance))
      for (const [name, file] of files) state.set(name, survive(file, luck, chance))
      return state
    },
  }
}
