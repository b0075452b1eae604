import { Data } from "effect"

/** Why a program cannot start, in a sentence that names the thing and the remedy; printed as it is, exit code 1. */
export class StartupError extends Data.TaggedError("StartupError")<{ readonly message: string }> {}

/** The sentence for a server that could not listen. `variable` is the environment variable that sets the port. */
export const cannotListen = (host: string, port: number, variable: string, cause: unknown): StartupError => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  return new StartupError({
    message:
      code === "EADDRINUSE"
        ? `Port ${port} on ${host} is taken: stop what uses it, or set ${variable} to a free port.`
        : `Cannot listen on ${host}:${port} (${String(code ?? cause)}): set ${variable} to a port that this user may open.`,
  })
}
