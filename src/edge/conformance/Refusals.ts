import { Effect, Either, Schema } from "effect"
import { MeterProbe } from "../../domain/ports/index.ts"
import { failed, type MeterCheck, ok, warning } from "./Finding.ts"

const Problem = Schema.parseJson(Schema.Struct({ error: Schema.String }))
const codeOf = (text: string): string =>
  Either.getOrElse(Schema.decodeEither(Problem)(text), () => ({ error: "" })).error

/** Whether a token that no meter gave is refused, in the documented words. */
export const wrongToken: MeterCheck = {
  name: "wrong token",
  run: Effect.gen(function* () {
    const probe = yield* MeterProbe
    const { status, text } = yield* probe.get("/api/measurement", "stranger")
    if (status === 200)
      return failed("it answers whoever asks: this is no P1 meter; take its address out of HW_P1_HOST.")
    if (status !== 401) return failed(`it answers a wrong token with status ${status} instead of 401: restart it.`)
    return codeOf(text) === "user:unauthorized"
      ? ok("refused with 401")
      : warning("refused with 401, in other words than documented")
  }),
}

/** Whether a path that does not exist is told as such. */
export const unknownPath: MeterCheck = {
  name: "unknown path",
  run: Effect.gen(function* () {
    const probe = yield* MeterProbe
    const { status } = yield* probe.get("/api/p1-energy", "owner")
    if (status === 404) return ok("refused with 404")
    return status < 400
      ? failed(`it answers a path that does not exist with status ${status}: this is no P1 meter.`)
      : warning(`refused with ${status} instead of 404`)
  }),
}
