export { conformance, type ConformanceOptions, type NamedFinding } from "./Conformance.ts"
export type { Finding } from "./Finding.ts"
