export * as Prometheus from "./Text.ts"
export { processFamilies } from "./Process.ts"
