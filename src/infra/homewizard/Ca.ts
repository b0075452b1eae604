import { X509Certificate } from "node:crypto"
import { readFile } from "node:fs/promises"
import { Effect } from "effect"
import { StartupError } from "../process/index.ts"

/** SHA-256 of the vendor's "Appliance Access CA". Source: HomeWizard API documentation, v2, "Authorization". */
const publishedFingerprint = "4EC277E62033FAE8BC373E3F2A976676D3F665683873F1EA8E3BDF78AC680003"

/** What a simulated meter's CA is called: it vouches for no device. */
const simulatedName = "Simulated Appliance Access CA"

const isKnown = (certificate: X509Certificate): boolean =>
  certificate.fingerprint256.replaceAll(":", "") === publishedFingerprint ||
  certificate.toLegacyObject().subject.CN === simulatedName

/**
 * The PEM of a CA in a file: the vendor's published one, or that of a simulated meter. `variable` is the environment
 * variable that names the file.
 */
export const readCa = (path: string, variable: string): Effect.Effect<string, StartupError> =>
  Effect.tryPromise({
    try: async () => {
      const pem = await readFile(path, "utf8")
      return { pem, certificate: new X509Certificate(pem) }
    },
    catch: () =>
      new StartupError({ message: `${variable}: ${path} is no file with a certificate in PEM that can be read.` }),
  }).pipe(
    Effect.filterOrFail(
      ({ certificate }) => isKnown(certificate),
      ({ certificate }) =>
        new StartupError({
          message: `${variable}: the certificate in ${path} is not the CA that HomeWizard published (its SHA-256 is ${certificate.fingerprint256}): take the file from HomeWizard's API documentation, or leave ${variable} out.`,
        }),
    ),
    Effect.map(({ pem }) => pem),
  )
