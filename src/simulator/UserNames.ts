import { Either } from "effect"
import { badRequest, type Refusal } from "./Refusal.ts"

const prefix = "local/"
const maxLength = 40
const allowed = /^[a-zA-Z0-9\-_/\\# ]+$/

/** The name of a user that may be made over the local API. */
export const userName = (json: unknown): Either.Either<string, Refusal> => {
  if (typeof json !== "string") return Either.left(badRequest("json:parameter-invalid-type:name"))
  if (!json.startsWith(prefix)) return Either.left(badRequest("user:invalid-prefix"))
  const own = json.slice(prefix.length)
  if (own === "") return Either.left(badRequest("user:name-empty"))
  if (own.length > maxLength) return Either.left(badRequest("user:name-too-long"))
  return allowed.test(own) ? Either.right(json) : Either.left(badRequest("user:name-invalid"))
}
