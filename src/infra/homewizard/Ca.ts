import { X509Certificate } from "node:crypto"
import { readFile } from "node:fs/promises"
import { Effect } from "effect"
import { StartupError } from "../process/index.ts"

/** The PEM of a CA in a file. `variable` is the environment variable that names the file. */
export const readCa = (path: string, variable: string): Effect.Effect<string, StartupError> =>
  Effect.tryPromise({
    try: async () => {
      const pem = await readFile(path, "utf8")
      return new X509Certificate(pem) && pem
    },
    catch: () =>
      new StartupError({ message: `${variable}: ${path} is no file with a certificate in PEM that can be read.` }),
  })
