import type { RateLimit } from "../domain/ports/index.ts"

export interface Limits {
  readonly requestsPerToken: RateLimit
  /** Tokens that were refused, by the address that they came from. */
  readonly refusalsPerAddress: RateLimit
}

/** An edge that drains a backlog and a page that refreshes every second stay far below. */
export const defaultLimits = {
  requestsPerToken: { name: "token", points: 600, durationS: 10 },
  refusalsPerAddress: { name: "refused", points: 10, durationS: 60 },
} as const satisfies Limits
