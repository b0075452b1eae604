import { readFileSync, statSync } from "node:fs"

/** Kind, mode, access, process, device and inode. Source: proc_locks(5). */
const lock = /^\d+: POSIX +\S+ +WRITE (\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /gm

interface FileIdentity {
  readonly dev: number
  readonly ino: number
}

/** A device's major and minor number, as the kernel packs them. Source: makedev(3), for up to 20 bits of minor. */
const deviceOf = (dev: number): string => {
  const major = (dev >>> 8) & 0xfff
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00)
  return `${major}:${minor}`
}

/** The process that by the kernel's list of locks holds one that writes to a file. */
export const holderIn = (locks: string, { dev, ino }: FileIdentity): number | undefined => {
  const held = [...locks.matchAll(lock)].find(
    ([, , major = "", minor = "", inode]) =>
      Number(inode) === ino && `${parseInt(major, 16)}:${parseInt(minor, 16)}` === deviceOf(dev),
  )
  return held === undefined ? undefined : Number(held[1]) || undefined
}

/** The process that holds a file's lock, where the kernel says so: Linux does, of processes that this one may see. */
export const holderOf = (filename: string): number | undefined => {
  try {
    return holderIn(readFileSync("/proc/locks", "utf8"), statSync(filename))
  } catch {
    return undefined
  }
}
