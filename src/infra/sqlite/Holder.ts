import { readFileSync, statSync } from "node:fs"

/** Kind, mode, access, process, device and inode. Source: proc_locks(5). */
const lock = /^\d+: POSIX +\S+ +WRITE (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /gm

/** The process that holds a file's lock, where the kernel says so: Linux does, of processes that this one may see. */
export const holderOf = (filename: string): number | undefined => {
  try {
    const { ino } = statSync(filename)
    const held = [...readFileSync("/proc/locks", "utf8").matchAll(lock)].find(([, , inode]) => Number(inode) === ino)
    return held === undefined ? undefined : Number(held[1]) || undefined
  } catch {
    return undefined
  }
}
