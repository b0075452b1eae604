import { Data } from "effect"

/** What the device answers when it does not do what it is asked: a status and one of the documented codes. */
export class Refusal extends Data.TaggedError("Refusal")<{ readonly status: number; readonly code: string }> {}

/** A refusal with status 400. */
export const badRequest = (code: string): Refusal => new Refusal({ status: 400, code })

export const unauthorized = new Refusal({ status: 401, code: "user:unauthorized" })
