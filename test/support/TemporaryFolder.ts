import { existsSync } from "node:fs"
import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"

const folderIn = (parent: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await mkdtemp(join(parent, "p1-test-"))
      await chmod(folder, 0o711)
      return folder
    }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true })),
  )

/** A folder that is removed with the scope; a server that runs as another user may enter it. */
export const temporaryFolder = folderIn(tmpdir())

/** The same, in memory where the machine has such a place: for tests of much data that are not about the disk. */
export const fastFolder = Effect.suspend(() => folderIn(existsSync("/dev/shm") ? "/dev/shm" : tmpdir()))
