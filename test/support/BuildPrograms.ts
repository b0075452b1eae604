import { execFile } from "node:child_process"
import { promisify } from "node:util"

/** Bundles the programs once, for the tests that run them as a user does. */
export default async (): Promise<void> => {
  await promisify(execFile)(process.execPath, ["scripts/build.mjs"])
}
