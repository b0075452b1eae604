export { conformance, type ConformanceOptions } from "./Conformance.ts"
