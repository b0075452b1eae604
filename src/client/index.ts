export { type Client, make, type Options } from "./Client.ts"
export { connect, type PromiseClient } from "./Promised.ts"
export {
  BadRequest,
  Forbidden,
  InternalError,
  NotFound,
  P1Api,
  PayloadTooLarge,
  type Problem,
  TooManyRequests,
  Unauthorized,
  Unavailable,
  Unprocessable,
  UnsupportedMediaType,
} from "../domain/api/index.ts"
