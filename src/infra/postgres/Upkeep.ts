/** What maintenance does, one by one: for tests and for whoever repairs by hand. */
export { checkDrift, repairDay } from "./Drift.ts"
export { runOverdue } from "./Jobs.ts"
export { whileAlone } from "./Leader.ts"
export { recompute } from "./Recompute.ts"
export { catchUp, refresh, refreshLate } from "./Refresh.ts"
export { dropBefore, horizonFor } from "./Retention.ts"
