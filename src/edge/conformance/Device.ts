import { Effect, Either, Schema } from "effect"
import { MeterProbe } from "../../domain/ports/index.ts"
import { failed, type MeterCheck, ok } from "./Finding.ts"

const Device = Schema.parseJson(
  Schema.Struct({
    product_type: Schema.String,
    serial: Schema.String,
    firmware_version: Schema.String,
    api_version: Schema.String,
  }),
)

/** Whether the certificate is that of the meter; before it has passed, nothing is sent. */
export const identity: MeterCheck = {
  name: "identity",
  run: Effect.map(
    Effect.flatMap(MeterProbe, ({ serial }) => serial),
    (serial) => ok(`its certificate is that of P1 meter ${serial}`),
  ),
}

/** Whether it takes the token, and says of itself what its certificate says. */
export const device: MeterCheck = {
  name: "device",
  run: Effect.gen(function* () {
    const probe = yield* MeterProbe
    const serial = yield* probe.serial
    const { status, text } = yield* probe.get("/api", "owner")
    if (status === 401) return failed("it refuses the token: pair again to get a new one (p1-edge pair).")
    if (status !== 200) return failed(`it answers /api with status ${status}: restart it and try again.`)
    const said = Schema.decodeEither(Device)(text)
    if (Either.isLeft(said)) return failed("what it says of itself cannot be read: restart it and try again.")
    const { api_version, firmware_version, product_type } = said.right
    if (product_type !== "HWE-P1")
      return failed(`it is a ${product_type}: give the address of a P1 meter (HW_P1_HOST).`)
    if (said.right.serial.toLowerCase() !== serial) {
      return failed(`it calls itself ${said.right.serial}, its certificate says ${serial}: do not trust it.`)
    }
    if (!api_version.startsWith("2.")) {
      return failed(`it speaks API ${api_version}: update its firmware in the HomeWizard app, to 6.00 or later.`)
    }
    return ok(`${product_type}, firmware ${firmware_version}, API ${api_version}`)
  }),
}
