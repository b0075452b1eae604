import { HttpApiMiddleware, HttpApiSecurity, OpenApi } from "@effect/platform"
import { Context, Schema } from "effect"
import type { DeviceId } from "../Device.ts"
import { Problems } from "./Problem.ts"

/** The device whose token came with the request. */
export class CurrentDevice extends Context.Tag("domain/CurrentDevice")<CurrentDevice, DeviceId>() {}

/** The devices that the read token which came with the request may see. */
export class CurrentReader extends Context.Tag("domain/CurrentReader")<
  CurrentReader,
  { readonly deviceIds: ReadonlyArray<DeviceId> }
>() {}

const failure = Schema.Union(Problems.unauthorized, Problems.forbidden, Problems.tooManyRequests, Problems.unavailable)
const bearer = (description: string) =>
  HttpApiSecurity.bearer.pipe(HttpApiSecurity.annotate(OpenApi.Description, description))

/** A device token, `p1d_…`: writes the samples of the one device it was made for. */
export class DeviceAuthorization extends HttpApiMiddleware.Tag<DeviceAuthorization>()("domain/DeviceAuthorization", {
  failure,
  provides: CurrentDevice,
  security: { deviceToken: bearer("A device token, p1d_…") },
}) {}

/** A read token, `p1r_…`: reads the devices it was made for. */
export class ReadAuthorization extends HttpApiMiddleware.Tag<ReadAuthorization>()("domain/ReadAuthorization", {
  failure,
  provides: CurrentReader,
  security: { readToken: bearer("A read token, p1r_…") },
}) {}
